/** Which URLs an issuer can have, and which can be asked for keys. */
import { parseUrl } from '../../input/url.ts';

/**
 * What makes an issuer's URL unfit, as the end of a sentence.
 *
 * @param allowsHttp whether http is allowed on other hosts than loopback too.
 */
export function urlFault(text: string, allowsHttp = false): string | undefined {
  const url = parseUrl(text);
  if (!url) return 'is not a URL';
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && (allowsHttp || isLoopback(url)))) {
    return allowsHttp ? 'is neither https nor http' : 'is neither https nor http on loopback';
  }
  const extra =
    url.search || url.hash || text.endsWith('?') || text.endsWith('#') || url.username || url.password;
  return extra ? 'has a query, a fragment or a user name (RFC 8414 section 2)' : undefined;
}

export function isLoopback({ hostname }: URL): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}
