/** Parses IP addresses in the forms that proxies write. */
import { isIP } from 'node:net';

/** The longest address with brackets, zone, port and quotes is far shorter. */
const MAX_LENGTH = 100;

/**
 * Reads an IP address out of a header or off a socket: with or without a port, IPv6 in brackets where a port follows,
 * quoted as `Forwarded` quotes it (RFC 7239 section 6), with a zone (RFC 4007 section 11), or IPv4 mapped into IPv6
 * (RFC 4291 section 2.5.5.2).
 *
 * @returns IPv4 in four decimal numbers; IPv6 as RFC 5952 writes it, without a zone; undefined for anything else.
 */
export function ipAddressOf(text: string): string | undefined {
  if (isIP(text) === 4) return text;
  if (text.length > MAX_LENGTH) return undefined;
  const bare = withoutPort(withoutQuotes(text.trim()));
  const [address = ''] = bare.split('%');
  const version = isIP(address);
  if (version !== 6) return version === 4 ? address : undefined;
  const { hostname } = new URL(`http://[${address}]/`);
  return unmapped(hostname.slice(1, -1));
}

function withoutQuotes(text: string): string {
  return text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}

/** Without brackets, a port after an IPv6 address would look like its last group, so no proxy writes one. */
function withoutPort(text: string): string {
  const [, bracketed, ipv4] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/.exec(text) ?? [];
  return bracketed ?? ipv4 ?? text;
}

function unmapped(address: string): string {
  const [, high, low] = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(address) ?? [];
  if (high === undefined || low === undefined) return address;
  const [first, second] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [first >> 8, first & 0xff, second >> 8, second & 0xff].join('.');
}
