/** A listening server around the application, with bounds on time and size, and an end that loses no request. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RequestListener } from 'node:http';

export interface ListenOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Milliseconds for a request to come in whole; then it is cut. Default: 15000. */
  readonly requestTimeout?: number;
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
  const { host, port, requestTimeout = REQUEST_MS } = options;
  const server = createServer(
    {
      requestTimeout,
      headersTimeout: Math.min(HEADERS_MS, requestTimeout),
      connectionsCheckingInterval: Math.min(CHECKING_MS, requestTimeout),
      maxHeaderSize: 16 * 1024,
    },
    app,
  );
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
  return { url: `http://${name}:${address.port}`, close: () => close(server) };
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
