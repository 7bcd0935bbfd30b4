/**
 * Remembers verified tokens, so that a token that comes again costs no signature check.
 *
 * An entry is found by the token's signature part and then compared whole (threat 14): the signature alone says
 * nothing about the payload before it, and V8 hashes only the length of a string beyond 16,383 characters, so a
 * map keyed by whole tokens degrades to a list. Only tokens that passed verification get in.
 */

import { LRUCache } from 'lru-cache';

import type { Clock } from '../clock.ts';
import type { TokenVerifier, VerifiedToken } from '../token/index.ts';

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
export function cachedVerifier(verify: TokenVerifier, options: VerifiedCacheOptions): TokenVerifier {
  const { tokens, maxAge, clock } = options;
  if (tokens < 1) return verify;
  const entries = new LRUCache<string, Entry>({ max: Math.floor(tokens) });
  return async (compact) => {
    const signature = compact.slice(compact.lastIndexOf('.') + 1);
    const entry = entries.get(signature);
    if (entry?.token.compact === compact) {
      if (clock() < entry.until) return entry.token;
      entries.delete(signature);
    }
    const token = await verify(compact);
    entries.set(signature, { token, until: Math.min(token.claims.exp, clock() + maxAge) });
    return token;
  };
}
