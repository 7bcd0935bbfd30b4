/**
 * Remembers verified tokens, so that a token that comes again costs no signature check.
 *
 * An entry is found by the token's signature and then compared whole (threat 14), as presented: a packed
 * token is unpacked once, a sealed one opened once. Only tokens that passed verification get in.
 */

import type { Clock } from '../../clock.ts';
import { cacheKey, type EagerVerifier, type VerifiedTree } from '../../token/index.ts';
import { boundedCache } from './bounded-cache.ts';
import { CachedToken } from './cached-token.ts';

export interface VerifiedCacheOptions {
  /** Most entries, a whole number; the least recently used one makes room. 0 turns the cache off. */
  readonly tokens: number;
  /** Longest life of an entry in seconds, so that a withdrawn key is noticed. It never outlives `exp`. */
  readonly maxAge: number;
  readonly clock: Clock;
}

interface Entry {
  /** As presented, where that is not what was verified: a sealed token. */
  readonly presented?: string | undefined;
  readonly kept: CachedToken;
  readonly until: number;
}

/**
 * Puts a cache before a verifier. A hit returns the same `CachedToken` as the first time, synchronously.
 *
 * @param use turns the cached token into the result; the first time it also gets the verified token.
 */
export function cachedVerifier<Used>(
  verify: EagerVerifier,
  use: (kept: CachedToken, token?: VerifiedTree) => Used,
  { tokens, maxAge, clock }: VerifiedCacheOptions,
): (compact: string) => Used | Promise<Used> {
  const entries =
    tokens < 1
      ? undefined
      : boundedCache<Entry>(tokens, ({ kept, presented = '' }) => kept.chars + presented.length);
  function first(key: string, compact: string, token: VerifiedTree): Used {
    const kept = new CachedToken(token);
    const presented = token.compact === compact ? undefined : compact;
    // The key is a piece of this token's text: it must not stay where another entry with the same key is replaced.
    entries?.delete(key);
    entries?.set(key, { presented, kept, until: Math.min(token.claims.exp, clock() + maxAge) });
    return use(kept, token);
  }
  return (compact) => {
    const key = cacheKey(compact);
    const entry = entries?.get(key);
    if (entry && (entry.presented ?? entry.kept.compact) === compact) {
      if (clock() < entry.until) return use(entry.kept);
      entries?.delete(key);
    }
    const token = verify(compact);
    return token instanceof Promise
      ? token.then((verified) => first(key, compact, verified))
      : first(key, compact, token);
  };
}
