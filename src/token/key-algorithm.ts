/** Which keys an algorithm takes (RFC 7518 section 3, RFC 8037 section 3.1), on every platform. */

import type { CryptoKey } from 'jose';

import type { SigningAlgorithm } from '../protocol.ts';

/** The parts of Web Crypto's key algorithms that tell one key from another. */
interface KeyAlgorithm {
  readonly name: string;
  readonly namedCurve?: string;
  readonly hash?: { readonly name: string };
  readonly modulusLength?: number;
}

type KeyCheck = (algorithm: KeyAlgorithm) => boolean;

/** RFC 7518 sections 3.3 and 3.5: a key of 2048 bits or larger. */
const isRsa =
  (name: string): KeyCheck =>
  ({ name: own, hash, modulusLength = 0 }) =>
    own === name && hash?.name === 'SHA-256' && modulusLength >= 2048;

const CHECKS: Readonly<Record<SigningAlgorithm, KeyCheck>> = {
  ES256: ({ name, namedCurve }) => name === 'ECDSA' && namedCurve === 'P-256',
  Ed25519: ({ name }) => name === 'Ed25519',
  EdDSA: ({ name }) => name === 'Ed25519',
  PS256: isRsa('RSA-PSS'),
  RS256: isRsa('RSASSA-PKCS1-v1_5'),
};

/** @throws TypeError unless it is a public key that verifies this algorithm. */
export function requireKeyFor({ type, usages, algorithm }: CryptoKey, alg: SigningAlgorithm): void {
  if (type !== 'public' || !usages.includes('verify') || !CHECKS[alg](algorithm)) {
    throw new TypeError(`the key cannot verify ${alg}`);
  }
}
