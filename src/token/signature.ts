/**
 * Checks the signature of a JWS (RFC 7518 section 3, RFC 8037 section 3.1) with Node's own crypto, synchronously: on its
 * way through Web Crypto's threads a check takes three times the CPU of the check itself.
 */

import { KeyObject, constants, verify } from 'node:crypto';
import type { VerifyKeyObjectInput } from 'node:crypto';

import type { CryptoKey } from 'jose';

import type { SigningAlgorithm } from './algorithms.ts';

/** The parts of Web Crypto's key algorithms that tell one key from another. */
interface KeyAlgorithm {
  readonly name: string;
  readonly namedCurve?: string;
  readonly hash?: { readonly name: string };
  readonly modulusLength?: number;
}

/** What a key for an algorithm says of itself, and how Node is asked to check with it. */
interface Scheme {
  readonly isFor: (algorithm: KeyAlgorithm) => boolean;
  readonly digest: 'sha256' | null;
  /** Undefined: that of the modulus, which OpenSSL compares. */
  readonly signatureBytes: number | undefined;
  readonly options: Omit<VerifyKeyObjectInput, 'key'>;
}

/** RFC 7518 sections 3.3 and 3.5: a key of 2048 bits or larger. */
const isRsa =
  (name: string): Scheme['isFor'] =>
  ({ name: own, hash, modulusLength = 0 }) =>
    own === name && hash?.name === 'SHA-256' && modulusLength >= 2048;

const SCHEMES: Readonly<Record<SigningAlgorithm, Scheme>> = {
  ES256: {
    isFor: ({ name, namedCurve }) => name === 'ECDSA' && namedCurve === 'P-256',
    digest: 'sha256',
    signatureBytes: 64,
    options: { dsaEncoding: 'ieee-p1363' }, // RFC 7518 section 3.4: R and S, not DER
  },
  Ed25519: {
    isFor: ({ name }) => name === 'Ed25519',
    digest: null,
    signatureBytes: 64,
    options: {},
  },
  PS256: {
    isFor: isRsa('RSA-PSS'),
    digest: 'sha256',
    signatureBytes: undefined,
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, // section 3.5: that of the digest
  },
  RS256: {
    isFor: isRsa('RSASSA-PKCS1-v1_5'),
    digest: 'sha256',
    signatureBytes: undefined,
    options: { padding: constants.RSA_PKCS1_PADDING },
  },
};

/** Node's form of keys that have been looked at; each is for one algorithm, as Web Crypto has it. */
const known = new WeakMap<
  CryptoKey,
  { readonly alg: SigningAlgorithm; readonly input: VerifyKeyObjectInput }
>();

/**
 * @param signed header and payload as they stand in the token, with the dot between: ASCII.
 * @returns a promise where the platform has no synchronous crypto, which is in the explorer's page alone.
 * @throws TypeError for a key that is not for this algorithm.
 */
export function isSignedBy(
  key: CryptoKey,
  alg: SigningAlgorithm,
  signed: string,
  signature: Uint8Array,
): boolean | Promise<boolean> {
  const { digest, signatureBytes } = SCHEMES[alg];
  const input = inputFor(key, alg);
  if (signatureBytes !== undefined && signature.length !== signatureBytes) return false;
  return verify(digest, asciiBytes(signed), input, signature);
}

/** Where a text becomes bytes for as long as it takes to check it; a longer one has to find its own room. */
const room = Buffer.allocUnsafeSlow(32 * 1024);

function asciiBytes(text: string): Uint8Array {
  if (text.length > room.length) return Buffer.from(text, 'latin1');
  return room.subarray(0, room.write(text, 'latin1'));
}

function inputFor(key: CryptoKey, alg: SigningAlgorithm): VerifyKeyObjectInput {
  const found = known.get(key);
  if (found?.alg === alg) return found.input;
  const { isFor, options } = SCHEMES[alg];
  if (key.type !== 'public' || !key.usages.includes('verify') || !isFor(key.algorithm)) {
    throw new TypeError(`the key is not one to verify ${alg} with`);
  }
  const input = { key: KeyObject.from(key), ...options };
  known.set(key, { alg, input });
  return input;
}
