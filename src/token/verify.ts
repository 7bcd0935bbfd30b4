/**
 * Verifies an access token: header, key, signature, and only then the claims.
 *
 * In: a string, in either coding of a tree; a packed one is unpacked first, within bounds, and the nested token is
 * verified as if it had come so. Out: a `VerifiedToken`, which nothing else in Waybill can make. Frozen, but for the
 * node of a `VerifiedTree`.
 */

import type { CryptoKey } from 'jose';

import { systemClock, type Clock } from '../clock.ts';
import { WaybillError, isWaybillError } from '../errors.ts';
import {
  DEFAULT_READER_LIMITS,
  SIGNING_ALGORITHMS,
  isSigningAlgorithm,
  type SigningAlgorithm,
} from '../protocol.ts';
import { asList, audiencesOf, readClaims, scopesOf, type AccessTokenClaims } from './claims.ts';
import { envelopeOf, openEnvelope, readPayload, requireSize, type Envelope } from './compact.ts';
import type { JsonObject } from './json.ts';
import type { KeyReference, KeyResolver } from './key-set.ts';
import type { UnpackLimits } from './packed/bundle.ts';
import type { MembersNode, SignedNode } from './packed/node.ts';
import { membersOf } from './packed/members.ts';
import { writeParts } from './packed/nested.ts';
import { rememberNested, unpackNode } from './packed/packed.ts';
import { isPacked } from './packed/prefix.ts';
import { ACCESS_TOKEN_TYPE } from './payload.ts';
import { isSealed } from './sealed/header.ts';
import { requireSealOf, unopened, type SealOpener } from './sealed/open.ts';
import { isSignedBy } from './signature.ts';

declare const verified: unique symbol;

/** A token whose signature, issuer, audience and times have been checked. */
export interface VerifiedToken {
  readonly [verified]: true;
  /** The token as presented, packed or not; of a sealed one what was in it. Never put it in a message or a log. */
  readonly compact: string;
  readonly header: JsonObject;
  /** All claims, the children in `embedded` among them. */
  readonly claims: AccessTokenClaims;
  /** The token's scopes in its own order; empty where it has none. */
  readonly scopes: readonly string[];
}

/** A verified token with all that its verification decoded. */
export interface VerifiedTree extends VerifiedToken {
  /** The decoded tree of a packed token, to pack a child of it. Must not be changed. */
  readonly node: SignedNode | undefined;
}

export interface TokenVerifierOptions {
  /** The issuer's URL, compared with `iss` character by character (RFC 9068 section 4). */
  readonly issuer: string;
  /** The audience that must be among `aud`, or several of which one must. Default: any; only for looking at other services' tokens. */
  readonly audience?: string | readonly string[] | undefined;
  /** Where public keys come from: `keySet(jwks)`, or the extractor's remote one. */
  readonly keys: KeyResolver;
  /** Accepted algorithms. Default: ES256, Ed25519, PS256, RS256, EdDSA; no other can be named. */
  readonly algorithms?: readonly SigningAlgorithm[] | undefined;
  /** Seconds since the epoch. Default: the system's clock. */
  readonly clock?: Clock | undefined;
  /** How many seconds `iat` and `nbf` may lie ahead. Default 5. `exp` has no tolerance. */
  readonly clockTolerance?: number | undefined;
  /** Largest token that is looked at, in bytes, as it comes. Default 262144 (256 KiB). */
  readonly maxBytes?: number | undefined;
  /** Opens tokens that are sealed to this audience. Default: they are refused. */
  readonly unseal?: SealOpener | undefined;
  /** Whether a token that is not sealed is refused. Default: no. */
  readonly requireSeal?: boolean | undefined;
  /** What a packed token may unpack to. Default: 262144 bytes (256 KiB), 1024 tokens, 64 levels. */
  readonly unpack?: Omit<UnpackLimits, 'maxPackedBytes'> | undefined;
}

/** @throws WaybillError with a `token_…` code that says what is wrong; `crypto_failed` where the platform's crypto throws. */
export type TokenVerifier = (token: string) => Promise<VerifiedToken>;

/** The same, and at once where the key is at hand. What `TokenVerifier` rejects with, it may throw. */
export type EagerVerifier = (token: string) => VerifiedTree | Promise<VerifiedTree>;

/**
 * Makes a verifier for the tokens of one issuer, for one audience.
 *
 * @example
 * ```ts
 * import { isWaybillError, issuerKeys, tokenVerifier } from 'waybill';
 *
 * declare const token: string;
 * const issuer = 'https://tokens.example';
 * const verify = tokenVerifier({ issuer, audience: 'https://stock.example', keys: issuerKeys({ issuer }) });
 * try {
 *   const { claims, scopes } = await verify(token);
 *   console.log(claims.sub, scopes);
 * } catch (error) {
 *   if (isWaybillError(error)) console.log(error.code); // such as token_expired
 * }
 * ```
 */
export function tokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const verify = eagerVerifier(options);
  return async (token) => verify(token);
}

export function eagerVerifier(options: TokenVerifierOptions): EagerVerifier {
  const { keys, maxBytes = DEFAULT_READER_LIMITS.nested, unpack = {} } = options;
  const algorithms = options.algorithms ?? SIGNING_ALGORITHMS;
  const { unseal, requireSeal = false } = options;
  const verify = (token: string): VerifiedTree | Promise<VerifiedTree> => {
    const opened = open(token, maxBytes, unpack);
    const { header } = opened.envelope;
    requireType(header);
    const reference = keyReference(header, algorithms);
    const key = keys(reference);
    return key instanceof Promise
      ? key.then((found) => verifyWith(found, reference.alg, token, opened, options))
      : verifyWith(key, reference.alg, token, opened, options);
  };
  if (unseal === undefined) return verify;
  return (token) => {
    if (isSealed(token)) return verifySealed(token, maxBytes, unseal, verify);
    if (requireSeal) throw unopened();
    return verify(token);
  };
}

/** @returns the token inside, which `compact` is from then on. */
async function verifySealed(
  token: string,
  maxBytes: number,
  unseal: SealOpener,
  verify: EagerVerifier,
): Promise<VerifiedTree> {
  requireSize(token, maxBytes);
  const { nested, header } = await unseal(token);
  const verified = await verify(nested);
  requireSealOf(header, verified.claims);
  return verified;
}

/** A verified token as far as its children need it. */
export type OpenedToken = Pick<VerifiedTree, 'claims' | 'node'>;

/**
 * Decodes a token again, so that the decoded form need not be cached. Checks nothing: only for a token that the verifier
 * has accepted, within the same bounds.
 */
export function openAgain(
  token: string,
  { maxBytes = DEFAULT_READER_LIMITS.nested, unpack = {} }: Pick<TokenVerifierOptions, 'maxBytes' | 'unpack'>,
): OpenedToken {
  const opened = open(token, maxBytes, unpack);
  return { claims: claimsIn(opened), node: opened.node };
}

/** A token taken apart. Unverified. */
interface Opened {
  readonly envelope: Envelope;
  readonly node: MembersNode | undefined;
  /** Of one that came packed: the nested tokens of its children. */
  readonly children?: readonly string[];
}

function open(token: string, maxBytes: number, limits: TokenVerifierOptions['unpack']): Opened {
  if (!isPacked(token)) return { envelope: openEnvelope(token, { maxBytes }), node: undefined };
  const node = unpackNode(token, { ...limits, maxPackedBytes: maxBytes });
  const { header, payload, json, embedded } = writeParts(node);
  return {
    envelope: envelopeOf(header, payload, json, Buffer.from(node.signature, 'latin1')),
    node,
    children: embedded,
  };
}

function verifyWith(
  key: CryptoKey,
  alg: SigningAlgorithm,
  compact: string,
  opened: Opened,
  options: TokenVerifierOptions,
): VerifiedTree | Promise<VerifiedTree> {
  const signed = checkSignature(opened.envelope, key, alg);
  return signed instanceof Promise
    ? signed.then((holds) => readSigned(holds, compact, opened, options))
    : readSigned(signed, compact, opened, options);
}

/** The signature, and only then the claims. */
function readSigned(
  isSigned: boolean,
  compact: string,
  opened: Opened,
  { issuer, audience, clock = systemClock, clockTolerance = 5 }: TokenVerifierOptions,
): VerifiedTree {
  if (!isSigned) throw wrongSignature();
  const claims = claimsIn(opened);
  requireIssuer(claims, issuer);
  if (audience !== undefined) requireAudience(claims, audience);
  requireTimes(claims, clock(), clockTolerance);
  const scopes = Object.freeze(scopesOf(claims));
  const { envelope, node } = opened;
  return Object.freeze({ compact, node, header: envelope.header, claims, scopes }) as VerifiedTree;
}

function claimsIn({ envelope, node, children = [] }: Opened): AccessTokenClaims {
  const members = node && membersOf(node, children);
  const claims = readClaims(members ?? readPayload(envelope.payload));
  if (node !== undefined) rememberNested(node, children, Object.values(claims.embedded ?? {}));
  return claims;
}

/**
 * RFC 9068 section 4: `at+jwt`, with or without `application/`; media types ignore case (RFC 7515 section 4.1.9).
 * An ID token, an assertion or an introspection answer of the same issuer ends here (RFC 8725 section 3.11).
 */
function requireType({ typ }: JsonObject): void {
  const type = typeof typ === 'string' ? typ.toLowerCase() : '';
  if (type !== ACCESS_TOKEN_TYPE && type !== `application/${ACCESS_TOKEN_TYPE}`) {
    throw new WaybillError('token_type', 'the token is not an access token (typ is not at+jwt)');
  }
}

/** `kid` is optional in RFC 7515; Waybill's issuer always writes it, and a reader that guesses tries keys. */
function keyReference({ alg, kid }: JsonObject, algorithms: readonly SigningAlgorithm[]): KeyReference {
  if (!isSigningAlgorithm(alg) || !algorithms.includes(alg)) {
    throw new WaybillError('token_algorithm', `the token's algorithm is not one of ${algorithms.join(', ')}`);
  }
  if (typeof kid !== 'string' || kid === '') {
    throw new WaybillError('token_key_unknown', 'the token names no key (kid)');
  }
  return { alg, kid };
}

/** @throws WaybillError `token_signature` for a key of another algorithm; `crypto_failed`. */
function checkSignature(
  { signed, signature }: Envelope,
  key: CryptoKey,
  alg: SigningAlgorithm,
): boolean | Promise<boolean> {
  try {
    return isSignedBy(key, alg, signed, signature);
  } catch (error) {
    throw isWaybillError(error) ? error : wrongSignature(error);
  }
}

function wrongSignature(cause?: unknown): WaybillError {
  return new WaybillError('token_signature', "the token's signature is not the issuer's", { cause });
}

function requireIssuer(claims: AccessTokenClaims, issuer: string): void {
  if (claims.iss !== issuer) throw new WaybillError('token_issuer', `the token was not issued by ${issuer}`);
}

function requireAudience(claims: AccessTokenClaims, audience: string | readonly string[]): void {
  const own = asList(audience);
  if (!audiencesOf(claims).some((each) => own.includes(each))) {
    throw new WaybillError('token_audience', `the token is not for ${own.join(' or ')}`);
  }
}

function requireTimes(claims: AccessTokenClaims, now: number, tolerance: number): void {
  // RFC 7519 section 4.1.4: not "on or after" exp. Its leeway is not used: nobody needs an expired token.
  if (now >= claims.exp) throw new WaybillError('token_expired', 'the token has expired');
  if (Math.max(claims.iat, claims.nbf ?? 0) > now + tolerance) {
    throw new WaybillError('token_not_yet_valid', 'the token is not valid yet; the clocks may differ');
  }
}
