/**
 * Parses addresses.
 *
 * `URL.canParse` is not used: once V8 has compiled it, that of Node 20 reads characters from U+0080 to U+00FF as bytes of
 * UTF-8, and accepts texts for which `new URL` throws.
 */

/** @returns undefined for anything but an absolute URL. */
export function parseUrl(text: string | URL): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined; // the parser's own error carries the whole text
  }
}
