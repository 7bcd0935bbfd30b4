/** The certificates of the other side of a connection. */
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** The peer's own certificate first, then those that it sent along, in its order. Empty without TLS or certificate. */
export type PeerCertificates = readonly X509Certificate[];

const NOTHING: PeerCertificates = [];

/**
 * @returns the certificate that the TLS server has verified against its authorities. Undefined where there is no TLS,
 *   no certificate, or one that did not pass: a server with `rejectUnauthorized: false` keeps such a connection open.
 */
export function verifiedPeerCertificate(socket: Socket): X509Certificate | undefined {
  return isTls(socket) && socket.authorized ? peerCertificates(socket)[0] : undefined;
}

/**
 * Everything that the peer sent, without a verdict: for methods that compare keys (RFC 8705 section 2.2), or that follow
 * the intermediates themselves.
 *
 * Node hands out the intermediates once: a second call, and one on a resumed session, has the peer's own certificate
 * alone. So the result of the first call is stored with the connection; servers issue no session tickets.
 */
export function peerCertificates(socket: Socket): PeerCertificates {
  if (!isTls(socket)) return NOTHING;
  const known = seen.get(socket);
  if (known !== undefined) return known;
  const certificates: X509Certificate[] = [];
  for (let next = socket.getPeerX509Certificate(); next !== undefined; next = next.issuerCertificate) {
    certificates.push(next);
  }
  // Before the handshake is done there is nothing yet.
  if (certificates.length > 0) seen.set(socket, certificates);
  return certificates;
}

const seen = new WeakMap<Socket, PeerCertificates>();

/** By what it can do, since the socket that an HTTP/2 request shows is a stand-in. */
function isTls(socket: Socket): socket is TLSSocket {
  return typeof (socket as Partial<TLSSocket>).getPeerX509Certificate === 'function';
}
