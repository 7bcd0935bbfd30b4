/** Writes DPoP proofs (RFC 9449 section 4.2), for who asks for tokens and calls services. */

import { createHash, createPublicKey, randomBytes, type KeyObject } from 'node:crypto';

import { CompactSign } from 'jose';

import { comparableAddress } from './comparable-address.ts';
import { PROOF_TYPE } from './dpop-proof.ts';

/** What a proof is for. */
export interface ProofRequest {
  readonly method: string;
  readonly url: string;
  /** The token that is presented with it; absent at the token endpoint. */
  readonly token?: string | undefined;
  /** What the server asked for (section 8). */
  readonly nonce?: string | undefined;
  /** Seconds since the epoch. */
  readonly now: number;
}

/** @param key a private key on P-256. */
export async function signProof(
  key: KeyObject,
  { method, url, token, nonce, now }: ProofRequest,
): Promise<string> {
  const { kty, crv, x, y } = createPublicKey(key).export({ format: 'jwk' });
  const claims = {
    jti: randomBytes(16).toString('base64url'),
    htm: method,
    htu: comparableAddress(url),
    iat: now,
    ...(token === undefined ? {} : { ath: createHash('sha256').update(token).digest('base64url') }),
    ...(nonce === undefined ? {} : { nonce }),
  };
  return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'ES256', typ: PROOF_TYPE, jwk: { kty, crv, x, y } as Record<string, string> })
    .sign(key);
}
