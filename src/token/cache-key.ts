/** What caches find a token by. */

/** Two signatures of the shorter algorithms, the smaller part of one by RSA. */
const KEY_CHARS = 256;

/**
 * The end of a token: of a JWT its signature, or most of it, of a packed tree the last signatures. Tokens that
 * differ may have the same key, so a lookup compares the whole token. (A JavaScript Map hashes only the
 * length of a string beyond 16,383 characters, so whole tokens are no keys; threat 14.)
 */
export function cacheKey(token: string): string {
  return token.slice(-KEY_CHARS);
}
