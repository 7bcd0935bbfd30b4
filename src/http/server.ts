/** A listening server around the application, with bounds on time and size, and an end that loses no request. */
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { RequestListener } from 'node:http';

export interface ListenOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Milliseconds for a request to come in whole; then it is cut. Default: 15000. */
  readonly requestTimeout?: number;
  /** Speaks TLS itself. Default: plain http, for loopback or behind a proxy. */
  readonly tls?: TlsOptions | undefined;
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
  /** Takes no more connections, lets running requests end, and cuts what is left after the deadline. */
  close(): Promise<void>;
}

/** A token request is small and quick; who sends it slower than this holds a connection for nothing. */
const REQUEST_MS = 15_000;
const HEADERS_MS = 10_000;
/** How often Node looks for requests that are too slow; its own default would double the bound. */
const CHECKING_MS = 2_000;
const CLOSE_MS = 10_000;

export async function listen(app: RequestListener, options: ListenOptions): Promise<RunningServer> {
  const { host, port, requestTimeout = REQUEST_MS, tls } = options;
  const limits = {
    requestTimeout,
    headersTimeout: Math.min(HEADERS_MS, requestTimeout),
    connectionsCheckingInterval: Math.min(CHECKING_MS, requestTimeout),
    maxHeaderSize: 16 * 1024,
  };
  const server = tls
    ? createTlsServer({ ...limits, ...tlsServerOptions(tls) }, app)
    : createServer(limits, app);
  // What is kept alive for a next request is let go once the last one of a closing server is answered.
  server.on('request', (_request, response) => {
    response.once('close', () => setImmediate(() => server.listening || server.closeIdleConnections()));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return { url: `${tls ? 'https' : 'http'}://${name}:${address.port}`, close: () => close(server) };
}

/**
 * Every client is asked for a certificate and none is turned away for it: most authenticate otherwise, and what a
 * certificate is worth is judged by each method. Without authorities of its own, Node would believe those of the web.
 */
function tlsServerOptions({ cert, key, clientCa }: TlsOptions): ServerOptions {
  return {
    cert,
    key,
    ca: clientCa === undefined ? [] : [clientCa],
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
  };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const deadline = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
    server.close(() => {
      clearTimeout(deadline);
      resolve();
    });
    server.closeIdleConnections();
  });
}
