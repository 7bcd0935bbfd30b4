/**
 * Remembers verified tokens, so that a token that comes again costs no signature check.
 *
 * An entry is found by the token's signature and then compared whole (threat 14), as it came: a packed token that comes
 * again is not unpacked again. Only tokens that passed verification get in.
 */

import type { Clock } from '../clock.ts';
import { cacheKey } from '../token/index.ts';
import type { EagerVerifier, TokenVerifier, VerifiedToken } from '../token/index.ts';
import { Recent } from './recent.ts';

export interface VerifiedCacheOptions {
  /** Most entries; the least recently used one makes room. 0 turns the cache off. */
  readonly tokens: number;
  /** Longest life of an entry in seconds, so that a withdrawn key is noticed. It never outlives `exp`. */
  readonly maxAge: number;
  readonly clock: Clock;
}

/** A verified token, and what was made of it. */
interface OfToken {
  readonly token: VerifiedToken;
}

interface Entry<Value> {
  readonly value: Value;
  readonly until: number;
}

/** Puts a cache before a verifier. A hit gives the same `VerifiedToken` object as the first time. */
export function cachedVerifier(verify: EagerVerifier, options: VerifiedCacheOptions): TokenVerifier {
  const held = (token: VerifiedToken): OfToken => ({ token });
  const cached = cachedOf(verify, held, options);
  return async (compact) => (await cached(compact)).token;
}

/**
 * The same, with what is made of a token, and a hit is there at once. (A WeakMap beside the cache would keep what has
 * long left it until the next full collection.)
 *
 * @param make of a token that has just been verified.
 */
export function cachedOf<Value extends OfToken>(
  verify: EagerVerifier,
  make: (token: VerifiedToken) => Value,
  { tokens, maxAge, clock }: VerifiedCacheOptions,
): (compact: string) => Value | Promise<Value> {
  const entries = tokens < 1 ? undefined : new Recent<Entry<Value>>(Math.floor(tokens));
  function keep(key: string, token: VerifiedToken): Value {
    const value = make(token);
    entries?.set(key, { value, until: Math.min(token.claims.exp, clock() + maxAge) });
    return value;
  }
  return (compact) => {
    const key = cacheKey(compact);
    const entry = entries?.get(key);
    if (entry?.value.token.compact === compact) {
      if (clock() < entry.until) return entry.value;
      entries?.delete(key);
    }
    const token = verify(compact);
    return token instanceof Promise ? token.then((verified) => keep(key, verified)) : keep(key, token);
  };
}
