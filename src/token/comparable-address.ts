/**
 * Addresses as `htu` names them (RFC 9449 section 4.2), in the one form in which they can be compared: RFC 3986 sections
 * 6.2.2 and 6.2.3.
 */

import { parseUrl } from '../input/url.ts';

const ESCAPED = /%([0-9A-Fa-f]{2})/g;
const UNRESERVED = /[A-Za-z0-9._~-]/;

/**
 * Without query and fragment (RFC 9449 section 4.3, step 9). The URL parser writes scheme and host small, leaves out a
 * default port and resolves dot segments; it leaves escapes alone.
 *
 * @returns undefined for anything but an absolute http or https URL without user information.
 */
export function comparableAddress(text: string): string | undefined {
  const url = parseUrl(text);
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined;
  if (url.username !== '' || url.password !== '') return undefined;
  return url.origin + url.pathname.replace(ESCAPED, plainest);
}

/** An escape of an unreserved character is that character; all others have capital digits. */
function plainest(escape: string, digits: string): string {
  const character = String.fromCharCode(Number.parseInt(digits, 16));
  return UNRESERVED.test(character) ? character : escape.toUpperCase();
}
