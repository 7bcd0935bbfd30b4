/** A listening server around the application, with bounds on time and size, and an end that loses no request. */
import { constants } from 'node:crypto';
import {
  IncomingMessage,
  ServerResponse,
  createServer,
  type RequestListener,
  type Server,
  type ServerOptions,
} from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Express } from 'express';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { Connections, maxConnectionsFor } from './connections.ts';
import { Drain } from './drain.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Milliseconds for a request to come in whole; then it is cut. Default: 15000. */
  readonly requestTimeout?: number;
  /** Speaks TLS itself. Default: plain http, for loopback or behind a proxy. */
  readonly tls?: TlsOptions | undefined;
  /** Open connections; more are closed at once. Default: 10,000. Never more than file descriptors leave room for. */
  readonly maxConnections?: number | undefined;
  /** Called with the number of connections closed for that, at once and then every ten seconds. Default: not reported. */
  readonly onRefused?: (connections: number) => void;
}

/** PEM, all of it. */
export interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  /** Authorities that vouch for certificates of clients. Default: none, so that only those with a key set of their own count. */
  readonly clientCa?: string | undefined;
}

export interface RunningServer {
  /** As a client on this machine would name it. */
  readonly url: string;
  /**
   * Speaks TLS with these from now on. A connection that is open carries one more request at most. Without TLS so far,
   * nothing happens.
   *
   * @throws Error of OpenSSL where they do not fit together; then those from before stay in place.
   */
  renewTls(tls: TlsOptions): void;
  /**
   * Call it before `close`, so that clients with open connections lose no request. Every answer says `Connection: close`
   * from now on; new connections are still accepted. Connections that are idle for five seconds are closed, as earlier
   * answers announced. At the end requests wait until no connection arrives: call `close` at once, which answers them.
   *
   * Resolves after at most seven seconds; sooner if no connection is open.
   */
  drain(): Promise<void>;
  /** Takes no more connections, lets running requests end, and cuts what is left after the deadline. */
  close(): Promise<void>;
}

/** A token request is small and quick; who sends it slower than this holds a connection for nothing. */
const REQUEST_MS = 15_000;
const HEADERS_MS = 10_000;
/** How often Node looks for requests that are too slow; its own default would double the bound. */
const CHECKING_MS = 2_000;
const CLOSE_MS = 10_000;
/** The system's backlog: the event loop accepts one connection a turn, and a client beyond the backlog waits for seconds. */
const BACKLOG = 2_048;
/** Every answer announces it (`Keep-Alive: timeout=5`). */
const KEEP_ALIVE_MS = 5_000;

/**
 * Opens a port for an application, with bounds on connections, headers and slow requests, and a way to end without a lost
 * request (`drain`, then `close`).
 *
 * @throws Error of the system, such as `EADDRINUSE`, where the port cannot be opened; Error of OpenSSL for TLS files that do not fit.
 *
 * @example
 * ```ts
 * import { listen } from 'waybill';
 *
 * const server = await listen((_request, response) => response.end('hello'), { host: '127.0.0.1', port: 0 });
 * process.once('SIGTERM', () => void server.drain().then(() => server.close()));
 * ```
 */
export async function listen(app: RequestListener, options: ListenOptions): Promise<RunningServer> {
  const { host, port, requestTimeout = REQUEST_MS, tls, onRefused = () => undefined } = options;
  const limits = {
    requestTimeout,
    headersTimeout: Math.min(HEADERS_MS, requestTimeout),
    connectionsCheckingInterval: Math.min(CHECKING_MS, requestTimeout),
    maxHeaderSize: 16 * 1024,
    keepAliveTimeout: KEEP_ALIVE_MS,
    ...messagesOf(app),
  };
  const server = tls
    ? createTlsServer({ ...limits, ...ASKING, ...secureContext(tls) }, app)
    : createServer(limits, app);
  const connections = new Connections(server, maxConnectionsFor(options.maxConnections), onRefused);
  const drain = new Drain(server, app, connections);
  // What is kept alive for a next request is let go once the last one of a closing server is answered.
  server.on('request', (_request, response) => {
    response.once('close', () => server.listening || setImmediate(() => server.closeIdleConnections()));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: BACKLOG }, resolve);
  });
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `${tls ? 'https' : 'http'}://${name}:${address.port}`,
    renewTls: renewer(server),
    drain: () => drain.run(),
    close: () => close(server, drain),
  };
}

/**
 * Messages that have the prototypes of the application from the beginning. Express gives them to every request otherwise,
 * and objects whose prototype was changed are slow from then on (expressjs/express#5998). Classes, since for anything else
 * that is constructed in another one's name V8 makes up a new shape each time.
 */
function messagesOf(app: RequestListener & Partial<Pick<Express, 'request' | 'response'>>): ServerOptions {
  if (!app.request || !app.response) return {};
  class Request extends IncomingMessage {}
  class Response<Of extends IncomingMessage = IncomingMessage> extends ServerResponse<Of> {}
  Object.setPrototypeOf(Request.prototype, app.request);
  Object.setPrototypeOf(Response.prototype, app.response);
  app.request = Request.prototype as unknown as Express['request'];
  app.response = Response.prototype as unknown as Express['response'];
  return { IncomingMessage: Request, ServerResponse: Response };
}

/**
 * Every client is asked for a certificate and none is turned away for it: most authenticate otherwise, and what a
 * certificate is worth is judged by each method.
 */
const ASKING = { requestCert: true, rejectUnauthorized: false };

/**
 * Without authorities of its own, Node would believe those of the web. No session is resumed: one that is brings no
 * intermediates along, and its verdict is from before a renewal.
 */
function secureContext({ cert, key, clientCa }: TlsOptions): SecureContextOptions {
  return {
    cert,
    key,
    ca: clientCa === undefined ? [] : [clientCa],
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/**
 * A connection lives as long as its client keeps it busy; what it was verified against may be gone by then. It is ended
 * with an answer, since a request that is on its way into a closed connection is lost.
 */
function renewer(server: Server | TlsServer): RunningServer['renewTls'] {
  if (!('setSecureContext' in server)) return () => undefined;
  const born = new WeakMap<Socket, number>();
  let generation = 0;
  server.on('secureConnection', (socket: Socket) => born.set(socket, generation));
  server.prependListener('request', ({ socket }, response) => {
    if (born.get(socket) !== generation) response.shouldKeepAlive = false;
  });
  return (tls) => {
    const context = secureContext(tls);
    createSecureContext(context); // throws before anything is changed
    server.setSecureContext(context);
    generation += 1;
  };
}

function close(server: Server, drain: Drain): Promise<void> {
  return new Promise((resolve) => {
    const deadline = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
    server.close(() => {
      clearTimeout(deadline);
      resolve();
    });
    server.closeIdleConnections();
    drain.release();
  });
}
