/**
 * Detects paths that a server could read differently from the URL parser, and so serve a resource for which the caller's
 * token was not meant.
 *
 * The parser resolves `.` and `..`, and `%2e` too, but no dot segment with parameters (`..;/admin`, which Java servlets
 * strip), between encoded slashes, or encoded twice. Proxies and frameworks decode a path again, some of them more
 * leniently than UTF-8 allows.
 */

/** More layers of escapes than any honest address has. */
const MAX_DECODINGS = 3;

const ESCAPE = /%(?:u([0-9a-f]{4})|([0-9a-f]{2}))/gi;
/** C0 and C1, and E0 and F0 with a second byte that is too low: longer forms of shorter characters (RFC 3629 section 3). */
const OVERLONG = /[\u00c0\u00c1][\u0080-\u00bf]|\u00e0[\u0080-\u009f]|\u00f0[\u0080-\u008f]/;
/** Characters that conversions to a smaller character set turn into a slash. */
const SLASH_LIKE = /[\u2044\u2215\u29f8]/g;

/** @param path of a URL that is parsed: ASCII, its dot segments resolved. */
export function isAmbiguousPath(path: string): boolean {
  if (!path.includes('%') && !path.includes(';')) return false;
  if (hasDotSegment(path)) return true;
  const slashes = new Set<number>();
  let current = path;
  for (let round = 0; round < MAX_DECODINGS; round += 1) {
    const decoded = decodedOnce(current);
    if (decoded === current) return false;
    current = decoded;
    // An encoded slash is common in a name (`group%2Fproject`); one that is encoded twice is not.
    slashes.add(current.split('/').length);
    if (slashes.size > 1 || isAmbiguous(current)) return true;
  }
  return decodedOnce(current) !== current;
}

/** Whether the text of an address contains characters on which parsers disagree: `\`, control characters. */
export function hasUnsafeCharacter(address: string): boolean {
  const [beforeQuery = ''] = address.split(/[?#]/, 1);
  return beforeQuery.includes('\\') || hasControl(beforeQuery);
}

/** @param bytes each as one character. */
function isAmbiguous(bytes: string): boolean {
  if (bytes.includes('\\') || hasControl(bytes) || OVERLONG.test(bytes)) return true;
  const text = Buffer.from(bytes, 'latin1').toString('utf8');
  return hasDotSegment(bytes) || hasDotSegment(text.normalize('NFKC').replace(SLASH_LIKE, '/'));
}

/** Dot segments before parameters, or before a character that ends the path for a server that decodes too early. */
function hasDotSegment(path: string): boolean {
  return path.split('/').some((segment) => {
    const [name = ''] = segment.split(/[;?#]/, 1);
    const trimmed = name.trim();
    return trimmed === '.' || trimmed === '..';
  });
}

function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}

/** Escapes of RFC 3986, and `%uXXXX` of older servers, as bytes of one character each. */
function decodedOnce(text: string): string {
  return text.replace(ESCAPE, (_escape, unicode: string | undefined, byte: string | undefined) => {
    if (unicode === undefined) return String.fromCharCode(Number.parseInt(byte ?? '', 16));
    return Buffer.from(String.fromCharCode(Number.parseInt(unicode, 16))).toString('latin1');
  });
}
