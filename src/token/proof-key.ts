/**
 * The key that a DPoP proof brings along (`jwk`, RFC 9449 section 4.2): anyone's own, so it is bounded and read member by
 * member before anything is computed with it.
 */
import { calculateJwkThumbprint, importJWK } from 'jose';
import type { CryptoKey, JWK } from 'jose';

import type { SigningAlgorithm } from './algorithms.ts';
import { fromBase64url } from './base64url.ts';
import type { JsonObject } from './json.ts';
import { SECRET_MEMBERS } from './key-set.ts';

export interface ProofKey {
  readonly key: CryptoKey;
  /** RFC 7638, SHA-256, base64url: `jkt`. */
  readonly thumbprint: string;
}

interface Shape {
  readonly kty: string;
  readonly crv?: string;
  /** Members with their characters in base64url, at least and at most. */
  readonly members: Readonly<Record<string, readonly [least: number, most: number]>>;
}

/** RSA from 2048 to 4096 bits, with an exponent of at most 32: checking a signature costs what the key's owner likes. */
const RSA: Shape = { kty: 'RSA', members: { n: [342, 683], e: [2, 6] } };

/** RFC 7518 section 6, RFC 8037 section 2: the members that make the key, and so its thumbprint. */
const SHAPES: Readonly<Record<SigningAlgorithm, Shape>> = {
  ES256: { kty: 'EC', crv: 'P-256', members: { x: [43, 43], y: [43, 43] } },
  Ed25519: { kty: 'OKP', crv: 'Ed25519', members: { x: [43, 43] } },
  PS256: RSA,
  RS256: RSA,
};

/** @returns undefined for a key with a private part, of another kind than the algorithm's, or that is none. */
export async function readProofKey(jwk: JsonObject, alg: SigningAlgorithm): Promise<ProofKey | undefined> {
  if (SECRET_MEMBERS.some((member) => Object.hasOwn(jwk, member))) return undefined;
  const { kty, crv, members } = SHAPES[alg];
  if (jwk['kty'] !== kty || (crv !== undefined && jwk['crv'] !== crv)) return undefined;
  const key: Record<string, string> & JWK = { kty, ...(crv === undefined ? {} : { crv }) };
  for (const [name, [least, most]] of Object.entries(members)) {
    const value = Object.hasOwn(jwk, name) ? jwk[name] : undefined;
    if (typeof value !== 'string' || value.length < least || value.length > most) return undefined;
    if (fromBase64url(value) === undefined) return undefined;
    key[name] = value;
  }
  try {
    return {
      key: (await importJWK(key, alg)) as CryptoKey,
      thumbprint: await calculateJwkThumbprint(key, 'sha256'),
    };
  } catch {
    return undefined; // no point of the curve, say
  }
}
