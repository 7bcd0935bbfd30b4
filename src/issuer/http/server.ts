/** A server for the application, with limits on time and size, that closes without losing a request. */
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
import { drainOf, type Drain } from './drain.ts';
import { refuseTunnels } from './refuse-tunnels.ts';

/** Where a server listens, and its limits. */
export interface ListenOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Milliseconds to receive a whole request; then its connection is closed. Default: 15000. */
  readonly requestTimeout?: number;
  /** Largest header block, in bytes; a larger one is answered 431. Default: 16384. */
  readonly maxHeaderBytes?: number | undefined;
  /** Serves TLS. Default: plain http, for loopback or behind a proxy. */
  readonly tls?: TlsOptions | undefined;
  /** Most open connections; further ones are closed at once. Default: 10,000. Never more than file descriptors allow. */
  readonly maxConnections?: number | undefined;
  /** Called with the number of connections closed for that, at once and then every ten seconds. Default: not reported. */
  readonly onRefused?: (connections: number) => void;
}

/** All in PEM. */
export interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  /** Authorities for client certificates. Default: none, so only certificates in a registered key set count. */
  readonly clientCa?: string | undefined;
}

/** A server that listens. */
export interface RunningServer {
  /** The URL for clients on this machine. */
  readonly url: string;
  /**
   * Replaces certificate and key. An open connection carries one more request at most. Does nothing without TLS.
   *
   * @throws Error of OpenSSL if they do not match; then nothing changes.
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
  /** Stops listening, lets running requests end, and closes the remaining connections after ten seconds. */
  close(): Promise<void>;
}

/** A token request is small; a slower client only occupies a connection. */
const REQUEST_MS = 15_000;
const HEADERS_MS = 10_000;
/** How often Node looks for slow requests; its default would double the limit. */
const CHECKING_MS = 2_000;
const CLOSE_MS = 10_000;
const MAX_HEADER_BYTES = 16 * 1024;
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
    maxHeaderSize: options.maxHeaderBytes ?? MAX_HEADER_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    ...messagesOf(app),
  };
  const server = tls
    ? createTlsServer({ ...limits, ...ASKING, ...secureContext(tls) }, app)
    : createServer(limits, app);
  refuseTunnels(server);
  const connections = new Connections(server, maxConnectionsFor(options.maxConnections), onRefused);
  const drain = drainOf(server, app, connections);
  // While the server closes, idle connections are closed after each response.
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
 * Requests and responses that have the application's prototypes from the start. Otherwise Express changes the prototype of
 * each, which makes them slow (expressjs/express#5998). They are classes, since V8 gives other constructed objects a new
 * shape each time.
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
 * Requests a certificate from every client and refuses none: most authenticate otherwise, and each method verifies the
 * certificate itself.
 */
const ASKING = { requestCert: true, rejectUnauthorized: false };

/**
 * An empty list, because Node would trust the web's authorities by default. Sessions are not resumed: a resumed one has no
 * intermediates, and its verification may predate a renewal.
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
 * A busy connection lives on after a renewal, and what it was verified against may be gone. It ends with a response, since
 * a request on its way into a closed connection would be lost.
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
