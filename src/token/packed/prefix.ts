/** What every packed token begins with, and no JWT: `~` is not in base64url. */
export const PACKED_PREFIX = 'wb1~';

export function isPacked(token: string): boolean {
  return token.startsWith(PACKED_PREFIX);
}
