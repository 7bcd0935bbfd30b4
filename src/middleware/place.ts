/**
 * Where an address lies: its origin and its path in segments. Which audience an address belongs to is decided on
 * these, never on the text of a URL: `https://a.example` is not a prefix of `https://a.example.evil.example`.
 */

import { parsedUrl } from '../url.ts';

export interface Place {
  /** Scheme, host and port; a default port is left out (RFC 6454 section 4). */
  readonly origin: string;
  readonly segments: readonly string[];
}

/**
 * @returns undefined for anything but an absolute http or https URL, for one with user information (which makes one
 *   host look like another), and for one whose path a server could read as leading elsewhere.
 */
export function placeOf(address: string | URL): Place | undefined {
  const url = parsedUrl(address);
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined;
  if (url.username !== '' || url.password !== '') return undefined;
  const segments = url.pathname.split('/').slice(1);
  if (segments.some(hidesDotSegment)) return undefined;
  return { origin: url.origin, segments };
}

/**
 * The URL parser resolves `..` and `%2e%2e`, but not between encoded slashes: `/charge/..%2f..%2fadmin` is below
 * `/charge` here and may be `/admin` for a server that decodes first.
 */
function hidesDotSegment(segment: string): boolean {
  const decoded = segment.replace(/%2e/gi, '.').split(/%2f|%5c|\\/i);
  return decoded.length > 1 && decoded.some((part) => part === '..' || part === '.');
}

/**
 * The base that an audience or a route stands for: its place without a slash at the end.
 *
 * @returns undefined where it is no place, or has a query or a fragment: such a name is no part of a site.
 */
export function baseOf(address: string): Place | undefined {
  const place = /[?#]/.test(address) ? undefined : placeOf(address);
  if (place === undefined || place.segments.at(-1) !== '') return place;
  return { origin: place.origin, segments: place.segments.slice(0, -1) };
}

/** Whether `target` is `base` or lies below it, segment by segment. */
export function isWithin(base: Place, target: Place): boolean {
  return (
    base.origin === target.origin &&
    base.segments.every((segment, index) => segment === target.segments[index])
  );
}

export interface PlacedValue<Value> {
  readonly base: Place;
  readonly value: Value;
}

/** @returns the values whose base is the longest that `target` lies within; several where they tie. */
export function longestWithin<Value>(
  target: Place,
  candidates: Iterable<PlacedValue<Value>>,
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
