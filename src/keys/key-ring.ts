/** The keys of a running issuer: one that signs, and all that are published. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { JWK } from 'jose';
import { WaybillError } from '../errors.ts';
import type { SigningAlgorithm } from '../token/index.ts';
import { localSigner, type Signer } from './algorithms.ts';
import type { KeyRecord } from './key-file.ts';

export interface KeyRing {
  readonly signer: Signer;
  /** RFC 7517 section 5: the public halves, retired ones too. */
  readonly jwks: { readonly keys: readonly JWK[] };
}

/** @throws WaybillError `keys_missing` where no active key is for this algorithm. */
export function keyRing(records: readonly KeyRecord[], alg: SigningAlgorithm): KeyRing {
  const active = records.find((record) => record.alg === alg && record.status === 'active');
  if (!active) {
    throw new WaybillError(
      'keys_missing',
      `No active key signs with ${alg}. Make one: waybill keys rotate --alg ${alg}.`,
    );
  }
  const key = createPrivateKey({ key: active.jwk, format: 'jwk' });
  return { signer: localSigner(alg, active.kid, key), jwks: { keys: records.map(publicJwk) } };
}

/** RFC 8725 section 3.1: one key, one algorithm, and it says so. */
function publicJwk({ jwk, kid, alg }: KeyRecord): JWK {
  const publicKey = createPublicKey(createPrivateKey({ key: jwk, format: 'jwk' }));
  return { ...(publicKey.export({ format: 'jwk' }) as JWK), kid, alg, use: 'sig' };
}
