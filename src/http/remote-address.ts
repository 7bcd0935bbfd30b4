/** Where a request comes from, as far as that can be known: to count failures, never to allow anything. */
import { isIP, type Socket } from 'node:net';
import type { Request } from 'express';

/**
 * The address of the connection; behind proxies that the application trusts, the last one in `X-Forwarded-For` that
 * is not a proxy's, which is the one that the outermost of them has seen.
 *
 * @returns an IPv4 address, or the first half of an IPv6 address: the other half its bearer chooses freely (RFC 4291
 *   section 2.5.1).
 */
export function remoteAddress({ ip, socket }: Pick<Request, 'ip' | 'socket'>): string {
  return network(ip) ?? network(socket.remoteAddress) ?? '';
}

const known = new WeakMap<Socket, string>();

/** The same where no proxy is trusted: that of the connection, worked out once for each. */
export function addressOf(socket: Socket): string {
  let address = known.get(socket);
  if (address === undefined) {
    address = network(socket.remoteAddress) ?? '';
    known.set(socket, address);
  }
  return address;
}

function network(text = ''): string | undefined {
  // Some proxies write the port too.
  const address = text
    .trim()
    .replace(/^\[(.*)\](:\d+)?$/, '$1')
    .replace(/^([\d.]+):\d+$/, '$1')
    .replace(/%.*/s, '');
  const version = isIP(address);
  if (version !== 6) return version === 4 ? address : undefined;
  const groups = groupsOf(address);
  const [high = 0, low = 0] = groups.slice(6).map((group) => Number.parseInt(group, 16));
  return /^0,0,0,0,0,ffff,/.test(groups.join()) // RFC 4291 section 2.5.5.2
    ? [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
    : `${groups.slice(0, 4).join(':')}::/64`;
}

/** All eight, in the one way of RFC 5952. */
function groupsOf(address: string): string[] {
  const { hostname } = new URL(`http://[${address}]/`);
  const [head = [], tail = []] = hostname
    .slice(1, -1)
    .split('::')
    .map((half) => (half === '' ? [] : half.split(':')));
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
}
