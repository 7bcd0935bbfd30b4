/**
 * Addresses that keys or tokens may be asked from: https, or http that never leaves the machine, or that a mesh protects
 * because the operator says so.
 */

import { parseUrl } from '../input/url.ts';

const LOOPBACK_V4 = /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;

/**
 * @returns the parsed address, or undefined where it is not absolute, has user information or a fragment, or goes
 *   over the network without TLS. The parser writes every form of an IPv4 address in four decimal numbers.
 * @param insecureHosts hosts, as `readInsecureHost` writes them, for which http will do: these alone, not what ends so.
 */
export function secureUrl(address: string, insecureHosts: readonly string[] = []): URL | undefined {
  const url = parseUrl(address);
  if (url === undefined || url.username !== '' || url.password !== '' || address.includes('#'))
    return undefined;
  if (url.protocol === 'https:') return url;
  if (url.protocol !== 'http:') return undefined;
  return isLoopback(url.hostname) || insecureHosts.includes(url.host) ? url : undefined;
}

const HOST = /^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::\d+)?$/;

/**
 * @returns the host, with its port unless that is 80, as a URL has it; undefined where it is no host, or one that a URL
 *   writes in another way (`0x7f.1`, `host.`).
 */
export function readInsecureHost(host: string): string | undefined {
  const text = host.toLowerCase().replace(/:80$/, '');
  const url = HOST.test(text) ? parseUrl(`http://${text}`) : undefined;
  return url?.host === text ? text : undefined;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || LOOPBACK_V4.test(hostname);
}
