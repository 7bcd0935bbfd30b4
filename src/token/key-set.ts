/**
 * Public keys to verify with, found by the header's `kid` and `alg`.
 *
 * In: a JWK Set (RFC 7517 section 5) of the issuer. Out: a `KeyResolver`. One key serves one algorithm (RFC 8725
 * section 3.1): a key without an `alg` of its own is not used, which is stricter than RFC 7517 section 4.4.
 */

import { createLocalJWKSet, errors } from 'jose';
import type { CryptoKey, JSONWebKeySet, JWK } from 'jose';

import { WaybillError } from '../errors.ts';
import { isSigningAlgorithm } from './algorithms.ts';
import type { SigningAlgorithm } from './algorithms.ts';
import { isJsonObject } from './json.ts';

/** Which key a token says it was signed with. */
export interface KeyReference {
  readonly alg: SigningAlgorithm;
  readonly kid: string;
}

/**
 * Finds a public key; at once where it is at hand, since most tokens are signed with one that is.
 *
 * @throws WaybillError `token_key_unknown` where there is none; `token_algorithm` where the key is for another
 *   algorithm; a remote resolver also `issuer_unavailable` and `issuer_metadata`.
 */
export type KeyResolver = (reference: KeyReference) => CryptoKey | Promise<CryptoKey>;

/** More keys than any rotation needs: a set beyond it is a mistake or an attack. */
const MAX_KEYS = 100;

/** Members that only a private or a symmetric key has (RFC 7518 sections 6.2.2, 6.3.2 and 6.4). */
export const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth'] as const;

/** A JWK Set reduced to the keys that Waybill verifies with. */
export interface PublicKeySet {
  readonly jwks: JSONWebKeySet;
  /** Key id → the one algorithm that the key serves. */
  readonly algorithms: ReadonlyMap<string, SigningAlgorithm>;
}

/**
 * Reads a JWK Set. Keys for encryption, of other algorithms, without `kid` or without `alg` are left out, as RFC
 * 7517 section 5 lets a reader do.
 *
 * @throws WaybillError `keys_invalid` where it is no JWK Set, has over 100 keys, gives one `kid` to two signing
 *   keys, or publishes a private or symmetric key.
 */
export function readKeySet(document: unknown): PublicKeySet {
  const listed: unknown = isJsonObject(document) ? document['keys'] : undefined;
  if (!Array.isArray(listed)) throw invalid('the key set has no array "keys"');
  if (listed.length > MAX_KEYS)
    throw invalid(`the key set has ${listed.length} keys, the limit is ${MAX_KEYS}`);
  const keys: JWK[] = [];
  const algorithms = new Map<string, SigningAlgorithm>();
  for (const key of listed as readonly unknown[]) {
    if (!isJsonObject(key)) throw invalid('the key set has a key that is not an object');
    if (SECRET_MEMBERS.some((member) => Object.hasOwn(key, member))) {
      throw invalid('the key set holds a private or symmetric key, which must never be published');
    }
    const { kid, alg, use } = key;
    if (typeof kid !== 'string' || kid === '' || !isSigningAlgorithm(alg)) continue;
    if (use !== undefined && use !== 'sig') continue;
    if (algorithms.has(kid)) throw invalid('the key set gives one key id to two signing keys');
    algorithms.set(kid, alg);
    keys.push(key);
  }
  return { jwks: { keys }, algorithms };
}

/** A resolver over a JWK Set at hand. @throws WaybillError `keys_invalid`, as `readKeySet`. */
export function keySet(document: unknown): KeyResolver {
  const { jwks, algorithms } = readKeySet(document);
  const find = localKeys(jwks);
  const found = new Map<string, CryptoKey>();
  async function findAnew(reference: KeyReference): Promise<CryptoKey> {
    try {
      const key = await find({ ...reference });
      found.set(reference.kid, key);
      return key;
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) throw unknownKey();
      throw new WaybillError('keys_invalid', 'a key of the key set cannot be used', { cause: error });
    }
  }
  return (reference) => {
    requireKeyAlgorithm(reference, algorithms);
    return found.get(reference.kid) ?? findAnew(reference);
  };
}

/** jose copies the set, which a key that is nested too deep does not survive. */
function localKeys(jwks: JSONWebKeySet): ReturnType<typeof createLocalJWKSet> {
  try {
    return createLocalJWKSet(jwks);
  } catch (cause) {
    throw new WaybillError('keys_invalid', 'the key set cannot be used', { cause });
  }
}

/** Refuses a header whose `alg` is not that of the key which it names (threat: RS256 → HS256, ES256 → RS256). */
export function requireKeyAlgorithm(
  { kid, alg }: KeyReference,
  algorithms: ReadonlyMap<string, SigningAlgorithm>,
): void {
  const own = algorithms.get(kid);
  if (own !== undefined && own !== alg) {
    throw new WaybillError('token_algorithm', 'the key that the token names is for another algorithm');
  }
}

export function unknownKey(): WaybillError {
  return new WaybillError('token_key_unknown', 'the issuer has no key with the key id that the token names');
}

function invalid(reason: string): WaybillError {
  return new WaybillError('keys_invalid', reason);
}
