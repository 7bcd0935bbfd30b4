/** What every packed token begins with, and no JWT: `~` is not in base64url. */
export const PACKED_PREFIX = 'wb1~';

/**
 * Whether a token travels packed: it begins with `wb1~`. Says nothing about whether it can be unpacked.
 *
 * @example
 * ```ts
 * import { isPacked } from 'waybill';
 *
 * console.log(isPacked('eyJhbGciOiJFUzI1NiJ9.e30.c2ln')); // false
 * ```
 */
export function isPacked(token: string): boolean {
  return token.startsWith(PACKED_PREFIX);
}
