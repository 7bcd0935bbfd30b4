/**
 * Checks the signature of a JWS (RFC 7518 section 3, RFC 8037 section 3.1) with Web Crypto, which is asynchronous: for
 * browsers, and for runtimes with only a part of Node's crypto.
 */

import type { CryptoKey } from 'jose';

import type { SigningAlgorithm } from '../protocol.ts';

type Scheme = Parameters<typeof crypto.subtle.verify>[0];

const SCHEMES: Readonly<Record<SigningAlgorithm, Scheme>> = {
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  Ed25519: { name: 'Ed25519' },
  EdDSA: { name: 'Ed25519' },
  PS256: { name: 'RSA-PSS', saltLength: 32 },
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
};

/**
 * @param key one for this algorithm, which the caller has checked.
 * @throws what Web Crypto throws.
 */
export async function isSignedInWebCrypto(
  key: CryptoKey,
  alg: SigningAlgorithm,
  signed: string,
  signature: Uint8Array,
): Promise<boolean> {
  const bytes = new TextEncoder().encode(signed);
  return crypto.subtle.verify(SCHEMES[alg], key, new Uint8Array(signature), bytes);
}
