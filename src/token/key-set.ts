/**
 * Public keys to verify with, found by the header's `kid` and `alg`.
 *
 * In: a JWK Set (RFC 7517 section 5) of an issuer or a client. Out: a `KeyResolver`. One key serves one algorithm (RFC
 * 8725 section 3.1): one that could serve two is not used, which is stricter than RFC 7517 section 4.4.
 */

import { createLocalJWKSet, errors, type CryptoKey, type JSONWebKeySet, type JWK } from 'jose';

import { WaybillError } from '../errors.ts';
import { isSecretKey, keyWeakness } from '../input/key-weakness.ts';
import {
  SIGNING_ALGORITHMS,
  isFullySpecified,
  isSigningAlgorithm,
  type FullySpecifiedAlgorithm,
  type SigningAlgorithm,
} from '../protocol.ts';
import { isJsonObject, type JsonObject } from './json.ts';

/** Which key a token says it was signed with. */
export interface KeyReference {
  readonly alg: SigningAlgorithm;
  /** `UNNAMED` if an assertion names no key: then the one key of its algorithm without an id is used. */
  readonly kid: string;
}

/** No key has this id: RFC 7517 section 4.5 would allow it, but key sets with it are refused. */
export const UNNAMED = '';

/**
 * Finds a public key; at once where it is at hand, since most tokens are signed with one that is.
 *
 * @throws WaybillError `token_key_unknown` if there is none; `token_algorithm` where the key is for another
 *   algorithm; a remote resolver also `issuer_unavailable` and `issuer_metadata`.
 */
export type KeyResolver = (reference: KeyReference) => CryptoKey | Promise<CryptoKey>;

/** More keys than any rotation needs: a set beyond it is a mistake or an attack. */
const MAX_KEYS = 100;

/** A JWK Set reduced to the keys that Waybill verifies with, each with its `alg`. */
export interface PublicKeySet {
  readonly jwks: JSONWebKeySet;
  /** Key id → the one algorithm that the key serves. */
  readonly algorithms: ReadonlyMap<string, SigningAlgorithm>;
  /** Keys that are too weak to be used, described for the owner of the set. */
  readonly weak: readonly string[];
}

/** Returns the id and algorithm with which a key is used; undefined: it is not used. */
type Naming = (key: JsonObject) => KeyReference | undefined;

/**
 * Reads the JWK Set of an issuer of ours, which gives every key a `kid` and an `alg`. Keys for encryption, of other
 * algorithms, without `kid` or without `alg` are left out, as RFC 7517 section 5 lets a reader do, and so are weak ones.
 *
 * @throws WaybillError `keys_invalid` where it is no JWK Set, has over 100 keys, gives one `kid` to two signing
 *   keys, or publishes a private or symmetric key.
 */
export function readKeySet(document: unknown): PublicKeySet {
  return readKeys(document, ({ kid, alg }) =>
    typeof kid === 'string' && kid !== '' && isSigningAlgorithm(alg) ? { kid, alg } : undefined,
  );
}

/**
 * Reads the JWK Set of a client or a service. `kid` and `alg` are optional there (RFC 7517 sections 4.4 and 4.5): a curve
 * has one algorithm; an RSA key without `alg` is left out, since it could serve two (RFC 8725 section 3.1). A key without
 * `kid` serves assertions that name none.
 *
 * @throws WaybillError `keys_invalid`, as `readKeySet`.
 */
export function readPartyKeySet(document: unknown): PublicKeySet {
  return readKeys(document, (key) => {
    const { kid = UNNAMED, alg = algorithmOf(key) } = key;
    const isName = typeof kid === 'string' && key['kid'] !== UNNAMED;
    return isName && isFullySpecified(alg) ? { kid, alg } : undefined;
  });
}

/** The only algorithm for the type of a key (RFC 7518 section 3.4, RFC 9864 section 2.2); RSA has two. */
export function algorithmOf({ kty, crv }: JsonObject): FullySpecifiedAlgorithm | undefined {
  if (kty === 'EC' && crv === 'P-256') return 'ES256';
  return kty === 'OKP' && crv === 'Ed25519' ? 'Ed25519' : undefined;
}

function readKeys(document: unknown, nameOf: Naming): PublicKeySet {
  const listed: unknown = isJsonObject(document) ? document['keys'] : undefined;
  if (!Array.isArray(listed)) throw invalid('the key set has no array "keys"');
  if (listed.length > MAX_KEYS)
    throw invalid(`the key set has ${listed.length} keys, the limit is ${MAX_KEYS}`);
  const keys: JWK[] = [];
  const weak: string[] = [];
  const algorithms = new Map<string, SigningAlgorithm>();
  for (const key of listed as readonly unknown[]) {
    if (!isJsonObject(key)) throw invalid('the key set has a key that is not an object');
    if (isSecretKey(key)) {
      throw invalid('the key set holds a private or symmetric key, which must never be published');
    }
    const named = nameOf(key);
    const { use } = key;
    if (named === undefined || (use !== undefined && use !== 'sig')) continue;
    const weakness = keyWeakness(key);
    if (weakness !== undefined) {
      weak.push(`${named.kid === UNNAMED ? 'a key without kid' : `the key ${named.kid}`}: ${weakness}`);
      continue;
    }
    if (algorithms.has(named.kid)) throw invalid('the key set gives one key id to two signing keys');
    if (named.kid !== UNNAMED) algorithms.set(named.kid, named.alg);
    keys.push({ ...key, ...named });
  }
  return { jwks: { keys }, algorithms, weak };
}

/**
 * Whether a set has a key for this use that can be read and can verify a token. A set without one means that its publisher
 * has a problem, not that all keys were withdrawn.
 */
export async function hasUsableKey(
  keys: readonly unknown[],
  algorithms: readonly string[] = SIGNING_ALGORITHMS,
): Promise<boolean> {
  for (const key of keys) {
    for (const alg of algorithms) {
      try {
        await createLocalJWKSet({ keys: [key as JWK] })({ alg });
        return true;
      } catch {
        // not this one
      }
    }
  }
  return false;
}

/** The keys of an identity provider without the weak ones. */
export function withoutWeakKeys(keys: readonly unknown[]): readonly unknown[] {
  return keys.filter((key) => !isJsonObject(key) || !keyWeakness(key));
}

/**
 * Finds the keys of a verifier in a JWK Set that is at hand.
 *
 * @param document the JWK Set, parsed.
 * @param read reads the keys of the set. Default: as those of an issuer.
 * @throws WaybillError `keys_invalid` if the set has no usable key.
 *
 * @example
 * ```ts
 * import { keySet, tokenVerifier } from 'waybill';
 *
 * const answer = await fetch('https://tokens.example/jwks');
 * const verify = tokenVerifier({ issuer: 'https://tokens.example', keys: keySet(await answer.json()) });
 * ```
 */
export function keySet(
  document: unknown,
  read: (document: unknown) => PublicKeySet = readKeySet,
): KeyResolver {
  const { jwks, algorithms } = read(document);
  const find = localKeys(jwks);
  const found = new Map<string, CryptoKey>();
  async function findAnew(reference: KeyReference): Promise<CryptoKey> {
    try {
      const key = await find({ ...reference });
      found.set(keyCacheName(reference), key);
      return key;
    } catch (error) {
      if (isKeyNotFound(error)) throw unknownKey();
      throw new WaybillError('keys_invalid', 'a key of the key set cannot be used', { cause: error });
    }
  }
  return (reference) => {
    requireKeyAlgorithm(reference, algorithms);
    return found.get(keyCacheName(reference)) ?? findAnew(reference);
  };
}

/** A key id has one algorithm; without an id there may be one key for each algorithm. */
export function keyCacheName({ kid, alg }: KeyReference): string {
  return kid === UNNAMED ? `${alg} ` : kid;
}

/** No key of the set fits, or several fit and the token names none. */
export function isKeyNotFound(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys;
}

/** jose copies the set, which fails for a key that is nested too deep. */
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
