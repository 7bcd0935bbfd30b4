/** Public keys with which anyone can sign, and how one does: without a private key. */
import { createHash, createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';

/** An RSA key whose exponent is 1: a signature is the padded digest itself. */
export function unitRsa(bits = 2048): JsonWebKey {
  return rsaWith('AQ', bits);
}

/** @param e base64url. */
export function rsaWith(e: string, bits = 2048): JsonWebKey {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  return { ...publicKey.export({ format: 'jwk' }), e };
}

export function keyOf(jwk: JsonWebKey): KeyObject {
  return createPublicKey({ key: jwk, format: 'jwk' });
}

const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

/** What SHA-256 is called in front of its digest (RFC 8017 section 9.2, note 1). */
const DIGEST_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex');

/** RFC 8017 section 9.2. @param length octets of the modulus. */
export function pkcs1Padded(input: string, length = 256): Buffer {
  const digest = Buffer.concat([DIGEST_INFO, sha256(Buffer.from(input))]);
  const filling = Buffer.alloc(length - digest.length - 3, 0xff);
  return Buffer.concat([Buffer.from([0, 1]), filling, Buffer.from([0]), digest]);
}

/** RFC 8017 section 9.1.1, with a salt as long as the digest. */
export function pssPadded(input: string, length = 256): Buffer {
  const salt = randomBytes(32);
  const digest = sha256(Buffer.alloc(8), sha256(Buffer.from(input)), salt);
  const block = Buffer.alloc(length - 33);
  block[block.length - 33] = 1;
  salt.copy(block, block.length - 32);
  const masked = block.map((octet, index) => octet ^ (mask(digest, block.length)[index] ?? 0));
  masked[0] = (masked[0] ?? 0) & 0x7f;
  return Buffer.concat([masked, digest, Buffer.from([0xbc])]);
}

/** MGF1 (RFC 8017 appendix B.2.1). */
function mask(seed: Buffer, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
    sha256(seed, Buffer.from([0, 0, 0, index])),
  );
  return Buffer.concat(blocks).subarray(0, length);
}

/** RFC 8032 section 5.1. */
const P = 2n ** 255n - 19n;
const D = mod(-121665n * power(121666n, P - 2n));
const SQRT_OF_MINUS_1 = power(2n, (P - 1n) / 4n);

type Point = readonly [x: bigint, y: bigint];

function mod(value: bigint): bigint {
  return ((value % P) + P) % P;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let [square, rest] = [mod(base), exponent]; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}

/** RFC 8032 section 5.1.4, in affine coordinates. */
function add([x1, y1]: Point, [x2, y2]: Point): Point {
  const product = mod(D * x1 * x2 * y1 * y2);
  return [
    mod((x1 * y2 + x2 * y1) * power(1n + product, P - 2n)),
    mod((y1 * y2 + x1 * x2) * power(1n - product, P - 2n)),
  ];
}

/** The points whose eightfold is the neutral one, each with its order: found as multiples of one of order 8. */
export function lowOrderPoints(): readonly Point[] {
  // The double of a point of order 8 has y = 0, so that y² = -x², and the curve becomes d·x⁴ - 2·x² - 1 = 0.
  const root = squareRoot(1n + D);
  const [x = 0n] = [1n + root, 1n - root]
    .map((sum) => squareRoot(mod(sum * power(D, P - 2n))))
    .filter((found) => found !== 0n);
  const first: Point = [x, mod(x * SQRT_OF_MINUS_1)];
  const points: Point[] = [first];
  for (let next = add(first, first); points.length < 8; next = add(next, first)) points.push(next);
  return points;
}

/** @returns 0n where there is none. */
function squareRoot(value: bigint): bigint {
  const candidate = power(value, (P + 3n) / 8n);
  for (const root of [candidate, mod(candidate * SQRT_OF_MINUS_1)])
    if (mod(root * root) === mod(value)) return root;
  return 0n;
}

/** Every text of 32 octets that decodes to such a point for a lenient reader, in base64url. */
export function lowOrderEncodings(): readonly string[] {
  const ys = new Set(lowOrderPoints().map(([, y]) => y));
  const loose = [...ys].flatMap((y) => (y + P < 2n ** 255n ? [y, y + P] : [y]));
  return loose.flatMap((y) => [0n, 1n].map((sign) => octets(y + (sign << 255n)).toString('base64url')));
}

function octets(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse();
}

export function ed25519Jwk(x: string): JsonWebKey {
  return { kty: 'OKP', crv: 'Ed25519', x };
}

/** A signature of this input by whoever has no key: R is a point of low order, S is 0. Undefined where none holds. */
export function lowOrderSignature(x: string, input: string): Buffer | undefined {
  const key = keyOf(ed25519Jwk(x));
  return lowOrderEncodings()
    .map((r) => Buffer.concat([Buffer.from(r, 'base64url'), Buffer.alloc(32)]))
    .find((signature) => verify(null, Buffer.from(input), key, signature));
}
