/**
 * The client certificate of a request: of the connection itself, or, behind a proxy that ends TLS, in a header.
 *
 * A header is trusted only from the configured addresses of the proxy; from any other it is ignored.
 * The proxy has to drop what clients send under that name, and to pass on only certificates that it verified.
 */
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';

import { addressList, type AddressList } from './address-list.ts';
import type { AlternativeNames } from './alternative-names.ts';
import { forwardedCertificate } from './forwarded-certificate.ts';
import { forwardedNames, NAMES_HEADER } from './forwarded-names.ts';
import { peerCertificates, verifiedPeerCertificate } from './peer-certificates.ts';

export interface PresentedCertificate {
  readonly certificate: X509Certificate;
  /** The peer's other certificates, in any order. */
  readonly intermediates?: readonly X509Certificate[];
  /** Whether its chain led to an authority that the server, or the proxy, trusts. */
  readonly verified: boolean;
}

/** The part of Node's `IncomingMessage` that is looked at. */
export interface ReceivedRequest {
  readonly socket: Socket;
  readonly headersDistinct: NodeJS.Dict<string[]>;
}

export interface CertificateProxy {
  /** In lower case. */
  readonly header: string;
  readonly addresses: AddressList;
}

/**
 * Names the proxy that passes client certificates on in a header. The header counts from its addresses only.
 *
 * @param header such as `X-Forwarded-Client-Cert` or `Client-Cert` (RFC 9440).
 * @param addresses of the proxy: IP addresses, or networks such as `10.1.0.0/16`.
 * @returns undefined if `header` is not the name of a header, or an address is invalid.
 *
 * @example
 * ```ts
 * import { certificateProxy } from 'waybill';
 *
 * const proxy = certificateProxy('Client-Cert', ['10.1.0.0/16']);
 * ```
 */
export function certificateProxy(header: string, addresses: readonly string[]): CertificateProxy | undefined {
  const list = addressList(addresses);
  if (!/^[A-Za-z0-9-]+$/.test(header) || !list) return undefined;
  return { header: header.toLowerCase(), addresses: list };
}

/** What RFC 9440 section 2.3 calls the header with the rest of the chain, beside that with the certificate. */
const STANDARD_HEADER = 'client-cert';
const STANDARD_CHAIN = 'client-cert-chain';

/** What a request shows of its peer: a certificate, or the names in it, for which a proxy vouches. */
export type PresentedPeer = PresentedCertificate | PresentedNames;

export interface PresentedNames {
  readonly names: AlternativeNames;
}

/** The same as `presentedCertificate`, and names from a proxy that passes on no certificate. */
export function presentedPeer(
  request: ReceivedRequest,
  proxy: CertificateProxy | undefined,
): PresentedPeer | undefined {
  const presented = presentedCertificate(request, proxy);
  if (presented !== undefined || proxy?.header !== NAMES_HEADER || !isFromProxy(request, proxy))
    return presented;
  const [line, ...more] = request.headersDistinct[NAMES_HEADER] ?? [];
  const names = line === undefined || more.length > 0 ? undefined : forwardedNames(line);
  return names && { names };
}

/** The names of the certificate headers, in lower case: only the proxy may set them. */
export function certificateHeaders({ header }: CertificateProxy): readonly string[] {
  return header === STANDARD_HEADER ? [header, STANDARD_CHAIN] : [header];
}

export function presentedCertificate(
  request: ReceivedRequest,
  proxy: CertificateProxy | undefined,
): PresentedCertificate | undefined {
  const { socket } = request;
  if (proxy !== undefined && isFromProxy(request, proxy)) {
    const [line, ...more] = request.headersDistinct[proxy.header] ?? [];
    if (line === undefined || more.length > 0) return undefined;
    const chain = proxy.header === STANDARD_HEADER ? request.headersDistinct[STANDARD_CHAIN] : undefined;
    const forwarded = forwardedCertificate(line, chain);
    return forwarded && { ...forwarded, verified: true };
  }
  const [certificate, ...intermediates] = peerCertificates(socket);
  return (
    certificate && { certificate, intermediates, verified: verifiedPeerCertificate(socket) !== undefined }
  );
}

/** The same, if it was verified. */
export function verifiedCertificate(
  request: ReceivedRequest,
  proxy: CertificateProxy | undefined,
): X509Certificate | undefined {
  const presented = presentedCertificate(request, proxy);
  return presented?.verified === true ? presented.certificate : undefined;
}

/** A service that listens on IPv6 and IPv4 at once sees IPv4 addresses mapped; the list knows those too. */
export function isFromProxy(
  { socket: { remoteAddress } }: ReceivedRequest,
  { addresses }: Pick<CertificateProxy, 'addresses'>,
): boolean {
  return addresses.has(remoteAddress);
}
