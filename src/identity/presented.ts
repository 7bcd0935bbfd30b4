/**
 * The certificate that came with a request: on the connection itself, or, behind a proxy that speaks TLS, in a header.
 *
 * A header is believed only from the addresses that are named as the proxy's; from anyone else it is not even looked at.
 * The proxy has to drop what clients send under that name, and to pass on only certificates that it verified.
 */
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';

import { addressList, type AddressList } from './address-list.ts';
import { parseCertificate } from './certificate.ts';
import { presentedPeer, verifiedPeer } from './peer.ts';

export interface PresentedCertificate {
  readonly certificate: X509Certificate;
  /** Whether its chain led to an authority that the server, or the proxy, trusts. */
  readonly verified: boolean;
}

/** The part of Node's `IncomingMessage` that is looked at. */
export interface ReceivedRequest {
  readonly socket: Socket;
  readonly headersDistinct: NodeJS.Dict<string[]>;
}

export interface CertificateProxy {
  /** In small letters. */
  readonly header: string;
  readonly addresses: AddressList;
}

/** Certificates of services take one or two kilobytes. */
const MAX_HEADER = 16 * 1024;

/**
 * @param addresses of the proxy: IP addresses, or networks such as `10.1.0.0/16`.
 * @returns undefined where the header is no name of one, or an address is none.
 */
export function certificateProxy(header: string, addresses: readonly string[]): CertificateProxy | undefined {
  const list = addressList(addresses);
  if (!/^[A-Za-z0-9-]+$/.test(header) || !list) return undefined;
  return { header: header.toLowerCase(), addresses: list };
}

export function presentedCertificate(
  request: ReceivedRequest,
  proxy: CertificateProxy | undefined,
): PresentedCertificate | undefined {
  const { socket } = request;
  if (proxy?.addresses.has(socket.remoteAddress) === true) {
    const [line, ...more] = request.headersDistinct[proxy.header] ?? [];
    const certificate = line === undefined || more.length > 0 ? undefined : forwardedCertificate(line);
    return certificate && { certificate, verified: true };
  }
  const certificate = presentedPeer(socket);
  return certificate && { certificate, verified: verifiedPeer(socket) !== undefined };
}

/**
 * As proxies write it: `:base64:` of the DER (RFC 9440 section 2.1), PEM with percent escapes (nginx, the ALB), or
 * Envoy's `x-forwarded-client-cert` with one element that has `Cert`. Several certificates are nobody's.
 */
export function forwardedCertificate(value: string): X509Certificate | undefined {
  if (value.length > MAX_HEADER) return undefined;
  const structured = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(value)?.[1];
  if (structured !== undefined) return parseCertificate(structured);
  const text = unescaped(isPem(value) ? value : (envoyCertificate(value) ?? ''));
  return text !== undefined && text.split('-----BEGIN ').length === 2 ? parseCertificate(text) : undefined;
}

function isPem(value: string): boolean {
  return value.startsWith('-----BEGIN');
}

/** `By=…;Hash=…;Cert="…";Subject="…"`; a comma outside quotes begins the element of another hop. */
function envoyCertificate(value: string): string | undefined {
  const pairs = [...value.matchAll(/([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^;,"]*)(;|$)/gy)];
  if (pairs.map(([text]) => text).join('') !== value) return undefined;
  const certificates = pairs.filter(([, key]) => key?.toLowerCase() === 'cert');
  return certificates.length === 1 ? certificates[0]?.[2]?.replace(/^"|"$/g, '') : undefined;
}

function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
