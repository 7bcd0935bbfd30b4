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

interface Entry {
  readonly token: VerifiedToken;
  readonly until: number;
}

/** Puts a cache before a verifier. A hit gives the same `VerifiedToken` object as the first time. */
export function cachedVerifier(verify: EagerVerifier, options: VerifiedCacheOptions): TokenVerifier {
  const cached = eagerCachedVerifier(verify, options);
  return async (compact) => cached(compact);
}

/** The same, and a hit is there at once. */
export function eagerCachedVerifier(verify: EagerVerifier, options: VerifiedCacheOptions): EagerVerifier {
  const { tokens, maxAge, clock } = options;
  if (tokens < 1) return verify;
  const entries = new Recent<Entry>(Math.floor(tokens));
  function keep(key: string, token: VerifiedToken): VerifiedToken {
    entries.set(key, { token, until: Math.min(token.claims.exp, clock() + maxAge) });
    return token;
  }
  return (compact) => {
    const key = cacheKey(compact);
    const entry = entries.get(key);
    if (entry?.token.compact === compact) {
      if (clock() < entry.until) return entry.token;
      entries.delete(key);
    }
    const token = verify(compact);
    return token instanceof Promise ? token.then((verified) => keep(key, verified)) : keep(key, token);
  };
}
