/** The one form of a path in which it is compared; none for a path that servers read in several ways. */

/** RFC 3986 section 3.3, and what parsers let through in earnest: visible ASCII. */
const PATH = /^\/[\x21-\x7e]*$/;
const CONTROL = /[\0-\x1f\x7f]/;
/** Characters that conversions to a smaller character set turn into a slash. */
const SLASH_LIKE = /[\u2044\u2215\u29f8\uff0f\uff3c]/;
const ESCAPE = /%[0-9a-f]{2}/i;

/**
 * @param url of a request line; its query does not count.
 * @returns unreserved characters unescaped, other escapes in upper case (RFC 3986 section 6.2.2); undefined for a path with
 *   a dot segment, an empty segment before the end, an encoded slash, a backslash, a control character, an escape that is
 *   encoded twice, or bytes that are not UTF-8.
 */
export function canonicalPath(url: string): string | undefined {
  const [path = ''] = url.split(/[?#]/, 1);
  if (!PATH.test(path) || path.includes('//')) return undefined;
  const decoded = decode(path);
  if (decoded === undefined || decoded.includes('\\') || CONTROL.test(decoded)) return undefined;
  if (ESCAPE.test(decoded) || SLASH_LIKE.test(decoded)) return undefined;
  const segments = decoded.split('/');
  if (segments.length !== path.split('/').length || segments.some(isDotSegment)) return undefined;
  return path.replace(/%([0-9a-f]{2})/gi, (escape, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9\-._~]/.test(character) ? character : escape.toUpperCase();
  });
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** Also before parameters, which some servers take off first; a segment that is nothing else is then gone. */
function isDotSegment(segment: string): boolean {
  const [name = ''] = segment.split(';', 1);
  const trimmed = name.trim();
  return trimmed === '.' || trimmed === '..' || (name === '' && segment !== '');
}
