/**
 * Opens sealed tokens for their service. In: its private keys, and a token from anywhere. Out: the signed token inside,
 * which is unverified: encryption says nothing of who made it.
 *
 * Every refusal is the same, whatever is wrong: an answer that differs would help someone who tries.
 */

import { compactDecrypt, type JWK } from 'jose';

import { WaybillError } from '../../errors.ts';
import { KEY_AGREEMENTS, MAX_SEAL_KID, type KeyAgreement, type SealCurve } from '../../protocol.ts';
import { isJsonObject, utf8, type JsonObject } from '../json.ts';
import { SEAL_ENCRYPTION, readSealedHeader, type SealedHeader } from './header.ts';

/** Private keys of a service (RFC 7517 section 5): a JWK Set. */
export interface DecryptionKeys {
  readonly keys: readonly object[];
}

/** A token out of its seal. */
export interface OpenedSeal {
  /** The signed token. Unverified. Never put it in a message or a log. */
  readonly nested: string;
  readonly header: SealedHeader;
}

/**
 * Opens one token.
 *
 * @throws WaybillError `token_sealed`
 */
export type SealOpener = (token: string) => Promise<OpenedSeal>;

interface PrivateKey {
  readonly alg: KeyAgreement;
  readonly crv: SealCurve;
  readonly jwk: JWK;
}

/** More keys than any rotation needs. */
const MAX_KEYS = 20;

/**
 * Makes the opener of a service.
 *
 * @param audiences its own.
 * @param maxBytes of the token inside.
 * @throws WaybillError `keys_invalid` for anything but private keys on P-256 or X25519, each with its own `kid`.
 */
export function sealOpener(keys: DecryptionKeys, audiences: readonly string[], maxBytes: number): SealOpener {
  const known = readPrivateKeys(keys);
  return async (token) => {
    const header = readSealedHeader(token);
    const key = header && known.get(header.kid);
    if (!header || !key || key.alg !== header.alg || key.crv !== header.epk.crv) throw unopened();
    if (!audiences.includes(header.aud)) throw unopened();
    const nested = await decrypted(token, key);
    // A JWE in a JWE, or what is no token, ends here.
    if (nested === undefined || nested.length > maxBytes || nested.split('.', 4).length !== 3)
      throw unopened();
    return { nested, header };
  };
}

/** jose would inflate a `zip`; the header was read before, and has none. */
async function decrypted(token: string, { jwk, alg }: PrivateKey): Promise<string | undefined> {
  try {
    const { plaintext } = await compactDecrypt(token, jwk, {
      keyManagementAlgorithms: [alg],
      contentEncryptionAlgorithms: [SEAL_ENCRYPTION],
    });
    return utf8(plaintext);
  } catch {
    return undefined; // its reason is not for whoever sent the token, nor for a log
  }
}

/**
 * Holds a sealed token against what its seal says of it (RFC 7519 section 5.3).
 *
 * @param claims verified.
 * @throws WaybillError `token_sealed`
 */
export function requireSealOf(
  header: SealedHeader,
  claims: { readonly aud: string | readonly string[]; readonly exp: number },
): void {
  const [first] = [claims.aud].flat();
  if (header.aud !== first || (header.exp !== undefined && header.exp !== claims.exp)) throw unopened();
}

/** The one refusal of sealed tokens. */
export function unopened(): WaybillError {
  return new WaybillError('token_sealed', 'the token is not sealed as this service accepts it');
}

function readPrivateKeys(document: unknown): ReadonlyMap<string, PrivateKey> {
  const listed = isJsonObject(document) ? document['keys'] : undefined;
  if (!Array.isArray(listed) || listed.length === 0) throw invalid('they are no JWK Set with a key');
  if (listed.length > MAX_KEYS) throw invalid(`they are ${listed.length}, the limit is ${MAX_KEYS}`);
  const keys = new Map<string, PrivateKey>();
  for (const jwk of listed as readonly unknown[]) {
    const { kid, ...key } = readPrivateKey(jwk);
    if (keys.has(kid)) throw invalid('two of them have the same kid');
    keys.set(kid, key);
  }
  return keys;
}

function readPrivateKey(jwk: unknown): PrivateKey & { readonly kid: string } {
  if (!isJsonObject(jwk)) throw invalid('one of them is not an object');
  const { kid, d, use } = jwk;
  const crv = sealCurveOf(jwk);
  const alg = agreementOf(jwk);
  if (crv === undefined) throw invalid('one of them is on neither P-256 nor X25519');
  if (alg === undefined) throw invalid(`one of them is for another alg than ${KEY_AGREEMENTS.join(' and ')}`);
  if (typeof d !== 'string') throw invalid('one of them is not private');
  if (use !== undefined && use !== 'enc') throw invalid('one of them is not for encryption (use: enc)');
  if (!isSealKid(kid)) throw invalid(`one of them has no kid of 1 to ${MAX_SEAL_KID} characters`);
  const { kty, x, y } = jwk;
  return {
    kid,
    alg,
    crv,
    jwk: Object.freeze({ kty, crv, x, ...(y === undefined ? {} : { y }), d, alg }) as JWK,
  };
}

/** @returns undefined for a key of another kind. */
export function sealCurveOf({ kty, crv }: JsonObject): SealCurve | undefined {
  if (kty === 'EC' && crv === 'P-256') return crv;
  return kty === 'OKP' && crv === 'X25519' ? crv : undefined;
}

/** @returns undefined for a key that is for another algorithm. */
export function agreementOf({ alg = 'ECDH-ES' }: JsonObject): KeyAgreement | undefined {
  return KEY_AGREEMENTS.find((known) => known === alg);
}

export function isSealKid(kid: unknown): kid is string {
  return typeof kid === 'string' && kid !== '' && kid.length <= MAX_SEAL_KID;
}

function invalid(reason: string): WaybillError {
  return new WaybillError('keys_invalid', `The decryption keys cannot be used: ${reason}.`);
}
