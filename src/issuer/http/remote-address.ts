/** The address of a request, used to count failures, never to allow anything. */
import { isIP, type Socket } from 'node:net';
import { ipAddressOf } from '../../identity/index.ts';

/** `ip` is what Express makes of the addresses in `X-Forwarded-For`. */
interface RequestOrigin {
  readonly ip?: string | undefined;
  readonly socket: Socket;
}

/**
 * The address of the connection. Behind trusted proxies: the last address in `X-Forwarded-For` that is not a proxy's, which
 * is what the outermost proxy has seen.
 *
 * @returns an IPv4 address, or the first half of an IPv6 address: a host chooses the other half itself (RFC 4291 section
 *   2.5.1).
 */
export function remoteAddress({ ip, socket }: RequestOrigin): string {
  return network(ip) ?? network(socket.remoteAddress) ?? '';
}

const known = new WeakMap<Socket, string>();

/** The same without trusted proxies, computed once for each connection. */
export function addressOf(socket: Socket): string {
  let address = known.get(socket);
  if (address === undefined) {
    address = network(socket.remoteAddress) ?? '';
    known.set(socket, address);
  }
  return address;
}

function network(text = ''): string | undefined {
  const address = ipAddressOf(text);
  if (address === undefined || isIP(address) === 4) return address;
  return `${groupsOf(address).slice(0, 4).join(':')}::/64`;
}

/** All eight groups of an IPv6 address, which RFC 5952 shortens. */
function groupsOf(address: string): string[] {
  const [head = [], tail = []] = address.split('::').map((half) => (half === '' ? [] : half.split(':')));
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
}
