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

/** What is kept of a token has its text. */
type OfToken = Pick<VerifiedToken, 'compact'>;

interface Entry<Kept> {
  readonly kept: Kept;
  readonly until: number;
}

/** Puts a cache before a verifier. A hit gives the same `VerifiedToken` object as the first time. */
export function cachedVerifier(verify: EagerVerifier, options: VerifiedCacheOptions): TokenVerifier {
  const same = (token: VerifiedToken): VerifiedToken => token;
  const cached = cachedOf(verify, same, same, options);
  return async (compact) => cached(compact);
}

/**
 * The same for who wants to keep less of a token, or more, and a hit is there at once.
 *
 * @param keep makes of a token that has just been verified what is kept.
 * @param use makes of that what is handed out; it gets the token too where this is the first time.
 */
export function cachedOf<Kept extends OfToken, Used>(
  verify: EagerVerifier,
  keep: (token: VerifiedToken) => Kept,
  use: (kept: Kept, token?: VerifiedToken) => Used,
  { tokens, maxAge, clock }: VerifiedCacheOptions,
): (compact: string) => Used | Promise<Used> {
  const entries = tokens < 1 ? undefined : new Recent<Entry<Kept>>(Math.floor(tokens));
  function first(key: string, token: VerifiedToken): Used {
    const kept = keep(token);
    entries?.set(key, { kept, until: Math.min(token.claims.exp, clock() + maxAge) });
    return use(kept, token);
  }
  return (compact) => {
    const key = cacheKey(compact);
    const entry = entries?.get(key);
    if (entry?.kept.compact === compact) {
      if (clock() < entry.until) return use(entry.kept);
      entries?.delete(key);
    }
    const token = verify(compact);
    return token instanceof Promise ? token.then((verified) => first(key, verified)) : first(key, token);
  };
}
