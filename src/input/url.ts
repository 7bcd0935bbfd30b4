/**
 * Parses addresses.
 *
 * `URL.canParse` is not used: that of Node 20, once it is compiled, reads characters from U+0080 to U+00FF as bytes of
 * UTF-8, and says of texts that they parse which `new URL` then throws at.
 */

/** @returns undefined for anything but an absolute URL. */
export function parsedUrl(text: string | URL): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined; // the parser's own error carries the whole text
  }
}
