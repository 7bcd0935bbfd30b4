/** Which URLs an issuer can have, and which can be asked for keys. */
import { parseUrl } from '../../input/url.ts';

/** What makes an issuer's URL unfit, as the end of a sentence. */
export function urlFault(text: string): string | undefined {
  const url = parseUrl(text);
  if (!url) return 'is not a URL';
  const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback)) {
    return 'is neither https nor http on loopback';
  }
  const extra =
    url.search || url.hash || text.endsWith('?') || text.endsWith('#') || url.username || url.password;
  return extra ? 'has a query, a fragment or a user name (RFC 8414 section 2)' : undefined;
}
