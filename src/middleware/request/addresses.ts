/**
 * Under which addresses clients call a server, for proofs that name one (`htu`, RFC 9449 section 4.2). They come from
 * the configuration alone: the sender of a request chooses its `Host` header.
 */

import { parseUrl } from '../../input/url.ts';
import { parsePrefix, parseAddress } from '../extractor/url-prefix.ts';

/** @returns the address without a slash at its end; undefined unless it is http or https, without query and fragment. */
export function addressBase(address: string): string | undefined {
  const base = parsePrefix(address);
  return base && [base.origin, ...base.segments].join('/');
}

/** What an audience says of its service's address; nothing where it is a name. */
export function originsOf(audience: string): readonly string[] {
  const place = parseAddress(audience);
  return place === undefined ? [] : [place.origin];
}

/**
 * @param bases what stands before the path of a request.
 * @param url as the request names it: its path, or, to a proxy, a whole address (RFC 9112 section 3.2), of which the path
 *   counts alone.
 */
export function addressesOf(bases: readonly string[], url: string): readonly string[] {
  const path = pathOf(url);
  return path === undefined ? [] : bases.map((base) => base + path);
}

function pathOf(url: string): string | undefined {
  if (url.startsWith('/')) return url.replace(/[?#].*/s, '');
  return parseUrl(url)?.pathname;
}
