/**
 * What stands behind every proxy, in this process, so that its CPU counts nowhere: a service that answers at once, and the
 * issuer's keys.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Issuer } from 'waybill';
import { MAX_TOKEN } from './shop.ts';

export interface Upstream {
  readonly url: string;
  /** Whose keys are served at /jwks; set it before anybody asks. */
  issuer: Issuer | undefined;
  /** The `authorization` of the last request, once. */
  received(): string | undefined;
  close(): void;
}

const ANSWER = 'ok';

export async function startUpstream(): Promise<Upstream> {
  let last: string | undefined;
  const server = createServer({ maxHeaderSize: 2 * MAX_TOKEN }, ({ url, headers }, response) => {
    if (url !== '/jwks') last = headers.authorization;
    const body = url === '/jwks' ? JSON.stringify(upstream.issuer?.jwks) : ANSWER;
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
  });
  // While a side has its turn nobody notices that an idle connection was closed.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const upstream: Upstream = {
    url: urlOf(server),
    issuer: undefined,
    received() {
      const authorization = last;
      last = undefined;
      return authorization;
    },
    close: () => end(server),
  };
  return upstream;
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function end(server: Server): void {
  server.closeAllConnections();
  server.close();
}
