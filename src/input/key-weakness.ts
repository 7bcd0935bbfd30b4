/**
 * Checks that only its owner can sign with a public key from outside, and that checking signatures with it is not too
 * costly. One rule for every key: of DPoP proofs, clients, providers, trust domains, certificates and key files.
 *
 * Not detected: a modulus that can be factored, and a published private key. OpenSSL and Web Crypto refuse points that are
 * not on their NIST curve when they read a key.
 */
import type { KeyObject } from 'node:crypto';

/** RFC 7518 sections 3.3 and 3.5, NIST SP 800-131A. */
const MIN_RSA_BITS = 2048;
/** The cost of a check grows with the square of it. */
const MAX_RSA_BITS = 8192;
/**
 * RFC 8017 section 3.1 wants an odd exponent from 3; with 1 the padded digest is its own signature. FIPS 186-5 asks for
 * more than 2^16, but with padding that is checked to the last octet, as OpenSSL does, 3 is safe, and keys of older tools
 * have it. The upper limit is that of Go and BoringSSL: longer exponents only cost time.
 */
const MIN_EXPONENT = 3n;
const MAX_EXPONENT = 2n ** 32n - 1n;

/** Curves that SPIFFE and the web use; ES256 uses only the first. */
const CURVES: readonly unknown[] = ['prime256v1', 'secp384r1', 'secp521r1'];

/** RFC 8032 section 5.1: the field of Ed25519. */
const FIELD = 2n ** 255n - 19n;
/**
 * The y of the points of order 1, 2, 4 and 8. With one of them as the key, a signature of zeros holds for every message or
 * for every eighth, and no private key is needed.
 */
const LOW_ORDER_Y: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  FIELD - 1n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
]);

/** Members that only a private or a symmetric key has (RFC 7518 sections 6.2.2, 6.3.2 and 6.4). */
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth'];

/** Whether a JWK has a private part, or is one that both sides share. */
export function isSecretKey(jwk: object): boolean {
  return SECRET_MEMBERS.some((member) => Object.hasOwn(jwk, member));
}

/** The members of a JWK to check (RFC 7518 section 6, RFC 8037 section 2). */
export interface PublicKeyMembers {
  readonly kty?: unknown;
  readonly crv?: unknown;
  readonly n?: unknown;
  readonly e?: unknown;
  readonly x?: unknown;
}

/**
 * @returns what is wrong with the key, as a clause (`its modulus has 1024 bits; …`); undefined if nothing is. The
 *   reader of the key checks for missing members.
 */
export function keyWeakness({ kty, crv, n, e, x }: PublicKeyMembers): string | undefined {
  if (kty === 'RSA') return rsaWeakness(bitsOf(n), numberOf(e));
  if (kty === 'OKP' && crv === 'Ed25519') return ed25519Weakness(x);
  return undefined;
}

/** The same for a parsed key. Kinds of keys that are not listed here are refused. */
export function keyObjectWeakness(key: KeyObject): string | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = key;
  if (type === 'rsa' || type === 'rsa-pss')
    return rsaWeakness(details.modulusLength ?? 0, details.publicExponent ?? 0n);
  if (type === 'ed25519') return ed25519Weakness(key.export({ format: 'jwk' }).x);
  if (type === 'ec' && CURVES.includes(details.namedCurve)) return undefined;
  return 'it is of a kind or on a curve that is not accepted';
}

function rsaWeakness(bits: number, exponent: bigint): string | undefined {
  if (bits < MIN_RSA_BITS) return `its modulus has ${bits} bits; RSA keys have at least ${MIN_RSA_BITS}`;
  if (bits > MAX_RSA_BITS) return `its modulus has ${bits} bits; RSA keys have at most ${MAX_RSA_BITS}`;
  if (exponent < MIN_EXPONENT || exponent > MAX_EXPONENT || exponent % 2n === 0n)
    return 'its RSA exponent is not an odd number from 3 to 2^32';
  return undefined;
}

function ed25519Weakness(x: unknown): string | undefined {
  // The last bit is the sign of x, and the octets come lowest first (RFC 8032 section 5.1.2).
  const octets = octetsOf(x).reverse();
  if (octets.length !== 32) return 'its Ed25519 point does not have 32 octets';
  octets[0] = (octets[0] ?? 0) & 0x7f;
  const y = valueOf(octets);
  if (y >= FIELD) return 'its Ed25519 point is not encoded as RFC 8032 requires';
  return LOW_ORDER_Y.has(y)
    ? 'its Ed25519 point is of low order, so that anyone can sign with it'
    : undefined;
}

/** Bits of the number itself: leading zeros do not count. */
function bitsOf(member: unknown): number {
  const octets = significant(member);
  return octets.length === 0 ? 0 : octets.length * 8 - Math.clz32(octets[0] ?? 0) + 24;
}

/** An exponent; one that is longer than any accepted exponent is not computed. */
function numberOf(member: unknown): bigint {
  const octets = significant(member);
  return octets.length > 8 ? MAX_EXPONENT + 1n : valueOf(octets);
}

function significant(member: unknown): Buffer {
  const octets = octetsOf(member);
  const first = octets.findIndex((octet) => octet !== 0);
  return octets.subarray(first < 0 ? octets.length : first);
}

function valueOf(octets: Buffer): bigint {
  return octets.length === 0 ? 0n : BigInt(`0x${octets.toString('hex')}`);
}

/** Text that decoders could read in two ways counts as empty, which makes a key too short. */
function octetsOf(member: unknown): Buffer {
  const isBase64 = typeof member === 'string' && /^[\w+/-]*={0,2}$/.test(member);
  return Buffer.from(isBase64 ? member : '', 'base64url');
}
