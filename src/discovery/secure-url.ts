/** Addresses that keys or tokens may be asked from: https, or http that never leaves the machine. */

import { parseUrl } from '../input/url.ts';

const LOOPBACK_V4 = /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;

/**
 * @returns the parsed address, or undefined where it is not absolute, has user information or a fragment, or goes
 *   over the network without TLS. The parser writes every form of an IPv4 address in four decimal numbers.
 */
export function secureUrl(address: string): URL | undefined {
  const url = parseUrl(address);
  if (url === undefined || url.username !== '' || url.password !== '' || address.includes('#'))
    return undefined;
  if (url.protocol === 'https:') return url;
  return url.protocol === 'http:' && isLoopback(url.hostname) ? url : undefined;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || LOOPBACK_V4.test(hostname);
}
