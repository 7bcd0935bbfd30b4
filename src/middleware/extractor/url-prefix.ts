/**
 * Where an address lies: its origin and its path in segments. Which audience an address belongs to is decided on
 * these, never on the text of a URL: `https://a.example` is not a prefix of `https://a.example.evil.example`.
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
 *   host look like another), and for one that a server or another parser could read as leading elsewhere.
 */
export function parseAddress(address: string | URL): UrlPrefix | undefined {
  const text = address.toString();
  const url = hasUnsafeCharacter(text) ? undefined : parseUrl(text);
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined;
  if (url.username !== '' || url.password !== '' || isAmbiguousPath(url.pathname)) return undefined;
  return { origin: url.origin, segments: url.pathname.split('/').slice(1) };
}

/**
 * The base that an audience or a route stands for: its place without a slash at the end.
 *
 * @returns undefined where it is no place, or has a query or a fragment: such a name is no part of a site.
 */
export function parsePrefix(address: string): UrlPrefix | undefined {
  const place = /[?#]/.test(address) ? undefined : parseAddress(address);
  if (place === undefined || place.segments.at(-1) !== '') return place;
  return { origin: place.origin, segments: place.segments.slice(0, -1) };
}

/** Whether `target` is `base` or lies below it, segment by segment. */
export function isWithin(base: UrlPrefix, target: UrlPrefix): boolean {
  return (
    base.origin === target.origin &&
    base.segments.every((segment, index) => segment === target.segments[index])
  );
}

export interface PrefixedValue<Value> {
  readonly base: UrlPrefix;
  readonly value: Value;
}

/** @returns the values whose base is the longest that `target` lies within; several where they tie. */
export function longestMatch<Value>(
  target: UrlPrefix,
  candidates: Iterable<PrefixedValue<Value>>,
): readonly Value[] {
  let longest = -1;
  let found: Value[] = [];
  for (const { base, value } of candidates) {
    const length = base.segments.length;
    if (length < longest || !isWithin(base, target)) continue;
    if (length > longest) found = [];
    found.push(value);
    longest = length;
  }
  return found;
}
