/** The issuer on a real port, and requests to it as raw bytes. */
import { connect } from 'node:net';

import { pino } from 'pino';

import { createApp, listen } from '../../../src/issuer/http/index.ts';
import { addressList, certificateProxy } from '../../../src/identity/index.ts';
import { CERTIFICATE_HEADER } from './requests.ts';
import { FRONT, clientOf, type Shop } from './shop.ts';

export interface ServedIssuer {
  readonly url: string;
  /** An opaque token of the client `site`. */
  readonly reference: string;
  /** Everything that came back until the connection was closed. */
  send(request: Buffer): Promise<string>;
  /** What was logged since it was asked last. */
  takeLog(): string[];
  close(): Promise<void>;
}

/** Addresses of proxies: that of the test itself, and one that stands in headers. */
const PROXIES = ['127.0.0.1', '10.0.0.6'];

export async function serveIssuer(shop: Shop): Promise<ServedIssuer> {
  const issuer = shop.issuer();
  const { token: reference } = await issuer.issue(clientOf(shop.plan, 'site'), {
    scopes: ['order'],
    resources: [FRONT],
  });
  let lines: string[] = [];
  const app = createApp({
    issuer: () => issuer,
    log: pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) }),
    certificateProxy: certificateProxy(CERTIFICATE_HEADER, PROXIES),
    forwardedFrom: addressList(PROXIES),
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0, requestTimeout: 5_000 });
  const port = Number(new URL(server.url).port);
  return {
    url: server.url,
    reference,
    send: (request) => exchanged(port, request),
    takeLog() {
      const taken = lines;
      lines = [];
      return taken;
    },
    close: () => server.close(),
  };
}

/** Milliseconds without a byte, after which nothing more is to come: most answers end with the connection. */
const IDLE = 1_000;

/**
 * The writing half stays open until there is an answer, because Node does not answer after it is closed. An incomplete
 * request ends at once.
 */
function exchanged(port: number, request: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => {
      if (isCut(request)) socket.end(request);
      else socket.write(request);
    });
    const idle = setTimeout(() => (socket.writableEnded ? socket.destroy() : socket.end()), IDLE);
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
      idle.refresh();
    });
    socket
      .on('end', () => socket.destroy())
      .on('close', () => {
        clearTimeout(idle);
        resolve(received);
      });
    // A server that refuses the rest of a request resets the connection; its answer is checked all the same.
    socket.on('error', () => undefined);
  });
}

function isCut(request: Buffer): boolean {
  const [head = '', ...body] = request.toString('latin1').split('\r\n\r\n');
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  return body.length === 0 || body.join('\r\n\r\n').length < length;
}
