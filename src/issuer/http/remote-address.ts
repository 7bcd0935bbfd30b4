/** Where a request comes from, as far as that can be known: to count failures, never to allow anything. */
import { isIP, type Socket } from 'node:net';
import { ipAddressOf } from '../../identity/index.ts';

/** `ip` is what Express makes of the addresses in `X-Forwarded-For`. */
interface RequestOrigin {
  readonly ip?: string | undefined;
  readonly socket: Socket;
}

/**
 * The address of the connection; behind proxies that the application trusts, the last one in `X-Forwarded-For` that
 * is not a proxy's, which is the one that the outermost of them has seen.
 *
 * @returns an IPv4 address, or the first half of an IPv6 address: the other half its bearer chooses freely (RFC 4291
 *   section 2.5.1).
 */
export function remoteAddress({ ip, socket }: RequestOrigin): string {
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
  const address = ipAddressOf(text);
  if (address === undefined || isIP(address) === 4) return address;
  return `${groupsOf(address).slice(0, 4).join(':')}::/64`;
}

/** All eight of an address that RFC 5952 shortens. */
function groupsOf(address: string): string[] {
  const [head = [], tail = []] = address.split('::').map((half) => (half === '' ? [] : half.split(':')));
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
}
