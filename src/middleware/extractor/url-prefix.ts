/**
 * URL prefixes: origin and path segments. They decide which audience an address belongs to, never the text of a URL:
 * `https://a.example` is not a prefix of `https://a.example.evil.example`.
 */

import { isAmbiguousPath, hasUnsafeCharacter } from './ambiguous-path.ts';
import { parseUrl } from '../../input/url.ts';

export interface UrlPrefix {
  /** Scheme, host and port; a default port is left out (RFC 6454 section 4). */
  readonly origin: string;
  readonly segments: readonly string[];
}

/**
 * @returns undefined for anything but an absolute http or https URL, for one with user information (which makes one
 *   host look like another), and for one that a server or another parser could resolve to another path.
 */
export function parseAddress(address: string | URL): UrlPrefix | undefined {
  const text = address.toString();
  const url = hasUnsafeCharacter(text) ? undefined : parseUrl(text);
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined;
  if (url.username !== '' || url.password !== '' || isAmbiguousPath(url.pathname)) return undefined;
  return { origin: url.origin, segments: url.pathname.split('/').slice(1) };
}

/**
 * Parses an audience or a route as a prefix, without a slash at its end.
 *
 * @returns undefined as `parseAddress`, and where it has a query or a fragment.
 */
export function parsePrefix(text: string): UrlPrefix | undefined {
  const prefix = /[?#]/.test(text) ? undefined : parseAddress(text);
  if (prefix === undefined || prefix.segments.at(-1) !== '') return prefix;
  return { origin: prefix.origin, segments: prefix.segments.slice(0, -1) };
}

/** Whether `address` is `prefix` or lies below it, segment by segment. */
export function isWithin(prefix: UrlPrefix, address: UrlPrefix): boolean {
  return (
    prefix.origin === address.origin &&
    prefix.segments.every((segment, index) => segment === address.segments[index])
  );
}

export interface PrefixedValue<Value> {
  readonly prefix: UrlPrefix;
  readonly value: Value;
}

/** @returns the values with the longest prefix of `address`; several if they have the same prefix. */
export function longestMatch<Value>(
  address: UrlPrefix,
  candidates: Iterable<PrefixedValue<Value>>,
): readonly Value[] {
  let longest = -1;
  let found: Value[] = [];
  for (const { prefix, value } of candidates) {
    const { length } = prefix.segments;
    if (length < longest || !isWithin(prefix, address)) continue;
    if (length > longest) found = [];
    found.push(value);
    longest = length;
  }
  return found;
}
