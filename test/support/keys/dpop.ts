/** DPoP proofs as a client would make them (RFC 9449 section 4.2), and bent in any way. */
import { createHash, randomUUID } from 'node:crypto';

import { CompactSign, calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import type { CryptoKey, JWK } from 'jose';

import type { Json } from './signer.ts';

export interface Proven {
  readonly method: string;
  readonly url: string;
  /** The token with which the proof goes. */
  readonly token?: string;
  /** Seconds since the epoch. */
  readonly now: number;
}

export interface ProofSigner {
  readonly alg: string;
  readonly jkt: string;
  readonly publicJwk: JWK;
  readonly privateJwk: JWK;
  readonly keys: CryptoKeyPair;
  /** Claims and header replace what a right proof has; those that are undefined are left out. */
  proof(proven: Proven, claims?: Json, header?: Json): Promise<string>;
}

export interface CryptoKeyPair {
  readonly publicKey: CryptoKey;
  readonly privateKey: CryptoKey;
}

export async function proofSigner(alg = 'ES256', modulusLength = 2048): Promise<ProofSigner> {
  const keys = await generateKeyPair(alg, { extractable: true, modulusLength });
  const publicJwk = await exportJWK(keys.publicKey);
  return {
    alg,
    jkt: await calculateJwkThumbprint(publicJwk),
    publicJwk,
    privateJwk: await exportJWK(keys.privateKey),
    keys,
    async proof({ method, url, token, now }, claims = {}, header = {}) {
      const payload = {
        jti: randomUUID(),
        htm: method,
        htu: url.replace(/[?#].*/s, ''),
        iat: now,
        ...(token === undefined ? {} : { ath: sha256(token) }),
        ...claims,
      };
      return new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
        .setProtectedHeader(
          JSON.parse(JSON.stringify({ alg, typ: 'dpop+jwt', jwk: publicJwk, ...header })) as { alg: string },
        )
        .sign(keys.privateKey);
    },
  };
}

/** `ath` (RFC 9449 section 4.2). */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
