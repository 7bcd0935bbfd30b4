/** Facts that the graph language, the tokens, the issuer and the middleware must agree on. Each is declared here only. */

/** Algorithms whose name says all (RFC 9864): what Waybill accepts of clients, in assertions and in DPoP proofs. */
export type FullySpecifiedAlgorithm = 'ES256' | 'Ed25519' | 'PS256' | 'RS256';
export const FULLY_SPECIFIED_ALGORITHMS = [
  'ES256',
  'Ed25519',
  'PS256',
  'RS256',
] as const satisfies readonly FullySpecifiedAlgorithm[];

/**
 * The signature algorithms of the issuer's tokens: an allow-list, as RFC 8725 section 3.1 asks. `EdDSA` is the older name
 * of Ed25519, for verifiers that do not know the new one (RFC 9864). It stands for two curves; here it is this one alone.
 */
export type SigningAlgorithm = FullySpecifiedAlgorithm | 'EdDSA';
export const SIGNING_ALGORITHMS = [
  ...FULLY_SPECIFIED_ALGORITHMS,
  'EdDSA',
] as const satisfies readonly SigningAlgorithm[];

export function isFullySpecified(name: unknown): name is FullySpecifiedAlgorithm {
  return (FULLY_SPECIFIED_ALGORITHMS as readonly unknown[]).includes(name);
}

export function isSigningAlgorithm(name: unknown): name is SigningAlgorithm {
  return (SIGNING_ALGORITHMS as readonly unknown[]).includes(name);
}

/** Bytes of a signature; of RSA with a key of 2048 bits, the smallest that is accepted. */
export const SIGNATURE_BYTES: Readonly<Record<SigningAlgorithm, number>> = {
  ES256: 64,
  Ed25519: 64,
  EdDSA: 64,
  PS256: 256,
  RS256: 256,
};

/** How a tree travels: JWTs inside JWTs, or the packed coding of the same tokens. */
export type Encoding = 'nested' | 'packed';
export const ENCODINGS = ['nested', 'packed'] as const satisfies readonly Encoding[];

/** The limits of a tree where the graph has no `issuer.limits`: tokens, levels, and bytes of the nested root. */
export const DEFAULT_LIMITS = { tokens: 128, depth: 12, nested: 256 * 1024 } as const;

/** What a reader accepts by default. It knows no graph, so it allows more tokens and levels than most graphs do. */
export const DEFAULT_READER_LIMITS = { tokens: 1024, depth: 64, nested: DEFAULT_LIMITS.nested } as const;

/** Seconds. The graph language allows no longer `lifetime`. */
export const LONGEST_LIFETIME = 24 * 60 * 60;

/**
 * Who acts for the subject of a token (RFC 8693 section 4.1). The outermost is the party that is expected to present it;
 * what it nests is history, the client innermost.
 */
export interface Actor {
  readonly sub: string;
  /** Other identities of the same party, which may present the token too; at least one and at most 3. */
  readonly also?: readonly string[];
  /** Who acted for whoever called `sub`. */
  readonly act?: Actor;
}

/** Identities of one party, and audiences of one service, the first included. */
export const MAX_NAMES = 4;

/** Actors in one token: no chain is longer, and no reader accepts a longer one. */
export const MAX_ACTORS = 32;

/** What a token says of the calls that led to it: all of them, or the caller alone. */
export type Lineage = 'full' | 'caller';
export const LINEAGES = ['full', 'caller'] as const satisfies readonly Lineage[];

/** RFC 6749 section 3.3: `scope-token`, and `scope` as tokens with one space between two. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/;

export function isScopeToken(text: string): boolean {
  return SCOPE_TOKEN.test(text);
}

export function isScope(text: string): boolean {
  return SCOPE.test(text);
}

/** Characters of base64url without padding (RFC 7515 section 2). */
export function base64urlLength(bytes: number): number {
  return Math.ceil((bytes * 4) / 3);
}

/** How the key of a sealed token is agreed on (RFC 7518 section 4.6): directly, or to wrap a random one. */
export type KeyAgreement = 'ECDH-ES' | 'ECDH-ES+A256KW';
export const KEY_AGREEMENTS = ['ECDH-ES', 'ECDH-ES+A256KW'] as const satisfies readonly KeyAgreement[];

/** The curves of keys to which tokens are sealed. */
export type SealCurve = 'P-256' | 'X25519';

/** Characters of the `kid` of such a key. */
export const MAX_SEAL_KID = 64;

/** Bytes of the protected header of a sealed token, as JSON. */
export const MAX_SEALED_HEADER = 1024;

/** Bytes as JSON of an audience to which tokens can be sealed: with it the header of any key is within its bound. */
export const MAX_SEALED_AUDIENCE = 640;
