/** The keys of a running issuer: the one that signs, and all published ones. */
import { createPrivateKey, createPublicKey, hkdfSync } from 'node:crypto';
import type { JWK } from 'jose';
import { systemClock, type Clock } from '../../clock.ts';
import { WaybillError } from '../../errors.ts';
import type { DeferredClaimsKey, SigningAlgorithm } from '../../token/index.ts';
import { localSigner, type Signer } from './algorithms.ts';
import { isPublished, keyWith, type KeyRecord } from './key-record.ts';

/** The keys of an issuer: one signs, all are published. */
export interface KeyRing {
  readonly signer: Signer;
  /** RFC 7517 section 5: the public keys, including the next key and retired ones. */
  readonly jwks: { readonly keys: readonly JWK[] };
  /** Keys for deferred claims: the first encrypts, all of them decrypt. */
  readonly heldKeys: readonly [DeferredClaimsKey, ...DeferredClaimsKey[]];
}

/**
 * Makes the key ring of an issuer from the records of its key file: the active key signs, and all keys are published.
 * Retired keys still decrypt deferred claims until the last token with them has expired; the next key does too, since
 * another process may have rotated a moment ago.
 *
 * @param clock says which retired keys are still published.
 * @throws WaybillError `keys_missing` if the algorithm has no active key
 *
 * @example
 * ```ts
 * import { keyRing, readKeyFile } from 'waybill';
 *
 * const keys = keyRing(readKeyFile('waybill-keys.json') ?? [], 'ES256');
 * console.log(keys.jwks.keys.map(({ kid }) => kid));
 * ```
 */
export function keyRing(
  records: readonly KeyRecord[],
  alg: SigningAlgorithm,
  clock: Clock = systemClock,
): KeyRing {
  const active = keyWith(records, alg, 'active');
  if (!active) {
    throw new WaybillError(
      'keys_missing',
      `No active key signs with ${alg}. Make one: waybill keys rotate --alg ${alg}.`,
    );
  }
  const key = createPrivateKey({ key: active.jwk, format: 'jwk' });
  const now = clock();
  const published = records.filter((record) => isPublished(record, now));
  const others = published.filter((record) => record !== active);
  return {
    signer: localSigner(alg, active.kid, key),
    jwks: { keys: published.map(publicJwk) },
    heldKeys: [heldKey(active), ...others.map(heldKey)],
  };
}

/**
 * A separate key for deferred claims (RFC 8725 section 3.1), derived from the private key (RFC 5869), so that it is rotated
 * and kept secret with it.
 */
function heldKey({ kid, jwk }: KeyRecord): DeferredClaimsKey {
  const secret = hkdfSync(
    'sha256',
    Buffer.from(jwk.d ?? '', 'base64url'),
    '',
    'waybill: held claims, A256GCM',
    32,
  );
  return { kid, secret: new Uint8Array(secret) };
}

/** RFC 8725 section 3.1: a key names its one algorithm. */
function publicJwk({ jwk, kid, alg }: KeyRecord): JWK {
  const publicKey = createPublicKey(createPrivateKey({ key: jwk, format: 'jwk' }));
  return { ...(publicKey.export({ format: 'jwk' }) as JWK), kid, alg, use: 'sig' };
}
