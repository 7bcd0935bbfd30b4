/** The public key of a service to which its tokens are sealed. In: a JWK Set that the service publishes. */
import { createHash, createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto';
import type { JWK } from 'jose';
import { WaybillError } from '../../errors.ts';
import type { EncryptionPlan } from '../../graph/index.ts';
import { isSecretKey } from '../../input/key-weakness.ts';
import { MAX_SEAL_KID, isSigningAlgorithm } from '../../protocol.ts';
import { agreementOf, isSealKid, sealCurveOf, type JsonObject, type SealKey } from '../../token/index.ts';

/** More keys than any rotation needs. */
const MAX_KEYS = 20;

/**
 * The first key that fits is used: on P-256 or X25519, for encryption, with a `kid`. Others are for other senders (RFC 7517
 * section 5); but a set with a signing key, a private key or two equal ids is a mistake, and none of it is used.
 *
 * @param name of the service.
 * @param document parsed.
 * @throws WaybillError `keys_invalid`
 */
export function recipientKey(name: string, document: unknown, { alg }: Pick<EncryptionPlan, 'alg'>): SealKey {
  const refuse = (reason: string): WaybillError =>
    new WaybillError('keys_invalid', `The encryption keys of ${name} cannot be used: ${reason}.`);
  const keys = keysIn(document);
  if (!keys) throw refuse('they are no JWK Set');
  if (keys.length > MAX_KEYS) throw refuse(`they are ${keys.length}, the limit is ${MAX_KEYS}`);
  if (keys.some(isSecretKey)) throw refuse('one of them is private, and must never be published');
  if (keys.some(isForSigning)) throw refuse('one of them is for signatures: a key has one use');
  const ids = keys.flatMap(({ kid }) => (kid === undefined ? [] : [kid]));
  if (new Set(ids).size < ids.length) throw refuse('two of them have the same kid');
  for (const key of keys) {
    const fitting = sealKeyOf(key, alg);
    if (!fitting) continue;
    if (!canAgree(fitting.key as JWK))
      throw refuse(`the key ${fitting.kid} is no point of its curve that can be used`);
    return fitting;
  }
  const only = alg === undefined ? '' : `, \`alg: ${alg}\``;
  throw refuse(
    `none is for sealing: an EC key on P-256 or an OKP key on X25519, with \`use: enc\`${only} and a kid of at most ${MAX_SEAL_KID} characters`,
  );
}

function keysIn(document: unknown): readonly JsonObject[] | undefined {
  if (typeof document !== 'object' || document === null) return undefined;
  const { keys } = document as { readonly keys?: unknown };
  if (!Array.isArray(keys)) return undefined;
  return keys.every((key) => typeof key === 'object' && key !== null && !Array.isArray(key))
    ? (keys as readonly JsonObject[])
    : undefined;
}

function isForSigning({ kty, crv, use, alg, key_ops: operations }: JsonObject): boolean {
  const isSigningCurve = kty === 'OKP' && (crv === 'Ed25519' || crv === 'Ed448');
  const signs = Array.isArray(operations) && operations.some((each) => each === 'sign' || each === 'verify');
  return use === 'sig' || signs || isSigningCurve || isSigningAlgorithm(alg) || isNamedForSigning(alg);
}

/** The families of RFC 7518 section 3.1. */
function isNamedForSigning(alg: unknown): boolean {
  return typeof alg === 'string' && /^(?:[EHPR]S\d{3}K?|Ed\w+)$/.test(alg);
}

/** @param wanted absent: as the key says. */
function sealKeyOf(jwk: JsonObject, wanted: EncryptionPlan['alg']): SealKey | undefined {
  const { kid, use, kty, x, y } = jwk;
  const crv = sealCurveOf(jwk);
  const alg = agreementOf(jwk);
  if (crv === undefined || alg === undefined || (wanted !== undefined && alg !== wanted)) return undefined;
  if (!isSealKid(kid) || (use !== undefined && use !== 'enc')) return undefined;
  return { alg, crv, kid, key: Object.freeze({ kty, crv, x, ...(y === undefined ? {} : { y }) }) as JWK };
}

/** RFC 7638, SHA-256, base64url: the members that make the key, in the order of section 3.3. */
export function sealKeyThumbprint({ key }: SealKey): string {
  const { crv, kty, x, y } = key as JWK;
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

/** Points off their curve, and those of low order, with which every agreement comes to the same, fail here. */
function canAgree(jwk: JWK): boolean {
  try {
    const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
    const { privateKey } =
      jwk.crv === 'X25519'
        ? generateKeyPairSync('x25519')
        : generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    return diffieHellman({ privateKey, publicKey }).some((byte) => byte !== 0);
  } catch {
    return false;
  }
}
