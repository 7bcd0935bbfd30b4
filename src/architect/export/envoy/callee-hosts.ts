/** Under which hosts a service calls its callees, and where these are. */
import { parseUrl } from '../../../input/url.ts';
import { authorityOf, type OutboundCallee } from '../service-model.ts';
import type { SocketAddress } from './options.ts';

/** A callee at a host, below a path. */
export interface Destination {
  readonly callee: OutboundCallee;
  /** Without a slash at the end; empty: all paths. */
  readonly prefix: string;
}

/** Where a callee is; undefined if nothing says it. */
export function addressOf(
  { name, audience, authority }: OutboundCallee,
  addresses: ReadonlyMap<string, SocketAddress>,
): SocketAddress | undefined {
  return addresses.get(name) ?? (authority === undefined ? undefined : addressOfUrl(audience ?? ''));
}

export function addressOfUrl(text: string): SocketAddress | undefined {
  const url = parseUrl(text);
  if (!url) return undefined;
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return { host: url.hostname, port };
}

/**
 * The host of each audience leads to its callee, below the audience's path; and so does the address that it was given, unless
 * another callee has the same.
 *
 * @returns destinations by host, as the `Host` header names it.
 */
export function destinationsByHost(
  callees: readonly OutboundCallee[],
  addresses: ReadonlyMap<string, SocketAddress>,
): ReadonlyMap<string, readonly Destination[]> {
  const hosts = new Map<string, Destination[]>();
  for (const callee of callees) {
    for (const audience of callee.audiences)
      for (const host of hostsOfAudience(audience)) add(hosts, host, { callee, prefix: prefixOf(audience) });
  }
  const given = new Map<string, Destination[]>();
  for (const callee of callees) {
    const address = addresses.get(callee.name);
    if (address) add(given, `${address.host}:${address.port}`, { callee, prefix: '' });
    if (address && address.port === 80) add(given, address.host, { callee, prefix: '' });
  }
  for (const [host, destinations] of given) {
    if (destinations.length === 1 && !hosts.has(host)) hosts.set(host, destinations);
  }
  return hosts;
}

/**
 * Where paths of a host go in report mode that belong to no callee: to the one address that the host leads to. They carry
 * no token.
 *
 * @returns undefined where all paths belong to callees, or nothing says which address it is.
 */
export function calleeForOtherPaths(
  destinations: readonly Destination[],
  addresses: ReadonlyMap<string, SocketAddress>,
): OutboundCallee | undefined {
  const [first] = destinations;
  if (!first || destinations.some(({ prefix }) => prefix === '')) return undefined;
  const found = destinations.map(({ callee }) => addressOf(callee, addresses));
  const isOne = found.every((one) => one?.host === found[0]?.host && one?.port === found[0]?.port);
  return isOne ? first.callee : undefined;
}

function add(hosts: Map<string, Destination[]>, host: string, destination: Destination): void {
  const known = hosts.get(host);
  if (known) known.push(destination);
  else hosts.set(host, [destination]);
}

/** A client writes the port where it is not that of its scheme, and it speaks plain HTTP to Envoy. */
function hostsOfAudience(audience: string): string[] {
  const authority = authorityOf(audience);
  if (authority === undefined) return [];
  const url = parseUrl(audience);
  return url?.port === '' ? [authority, `${authority}:80`, `${authority}:443`] : [authority];
}

function prefixOf(audience: string): string {
  const path = parseUrl(audience)?.pathname ?? '';
  return path.endsWith('/') ? path.slice(0, -1) : path;
}
