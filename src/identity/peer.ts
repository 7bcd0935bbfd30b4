/** The certificate of the other side of a connection. */
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/**
 * @returns the certificate that the TLS server has verified against its authorities. Undefined where there is no TLS,
 *   no certificate, or one that did not pass: a server with `rejectUnauthorized: false` lets such a connection live.
 */
export function verifiedPeer(socket: Socket): X509Certificate | undefined {
  return isTls(socket) && socket.authorized ? socket.getPeerX509Certificate() : undefined;
}

/** The same without the verdict, for a method that compares keys instead (RFC 8705 section 2.2). */
export function presentedPeer(socket: Socket): X509Certificate | undefined {
  return isTls(socket) ? socket.getPeerX509Certificate() : undefined;
}

/** By what it can do, since the socket that an HTTP/2 request shows is a stand-in. */
function isTls(socket: Socket): socket is TLSSocket {
  return typeof (socket as Partial<TLSSocket>).getPeerX509Certificate === 'function';
}
