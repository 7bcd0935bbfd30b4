/** CONNECT (RFC 9110 section 9.3.6): without an answer the connection would just end, and its client would not know why. */
import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';

const STATUS = 501;
const BODY = JSON.stringify({
  type: 'about:blank',
  title: STATUS_CODES[STATUS],
  status: STATUS,
  detail: 'No tunnels here (CONNECT). Through a proxy that swaps tokens, call http:// addresses.',
  code: 'request_unsupported',
});
const ANSWER = [
  `HTTP/1.1 ${STATUS} ${STATUS_CODES[STATUS]}`,
  'content-type: application/problem+json',
  `content-length: ${Buffer.byteLength(BODY)}`,
  'connection: close',
  '',
  BODY,
].join('\r\n');

export function refuseTunnels(server: Server): void {
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => socket.destroy()); // it may be gone already
    socket.end(ANSWER);
  });
}
