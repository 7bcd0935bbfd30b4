/** Real https servers on port 0, and requests that show a certificate. */
import { Agent, createServer, request } from 'node:https';
import type { Server, ServerOptions } from 'node:https';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

import { LOOPBACK, type Identity, type TestCa } from './keys/certificates.ts';

const open = new Set<Server>();

/** Call in `after`. */
export async function stopTlsServers(): Promise<void> {
  const closing = [...open].map((server) => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    return closed;
  });
  open.clear();
  await Promise.all(closing);
}

/** Asks every client for a certificate of `ca`, and lets the application judge those that have none. */
export async function listenTls(
  listener: RequestListener,
  ca: TestCa,
  options: ServerOptions = {},
): Promise<string> {
  const { cert, key } = ca.issue(LOOPBACK);
  const server = createServer(
    { cert, key, ca: [ca.cert], requestCert: true, rejectUnauthorized: false, ...options },
    listener,
  );
  open.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export interface TlsAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

export interface TlsRequest {
  readonly as?: Identity | undefined;
  readonly agent?: Agent;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** @param options.as the certificate that the client shows, with its intermediates; none where it is absent. */
export async function sendTls(address: string, ca: TestCa, options: TlsRequest = {}): Promise<TlsAnswer> {
  const { as, agent, method = 'GET', headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const asked = request(
      address,
      {
        method,
        headers,
        ca: [ca.cert],
        agent: agent ?? new Agent({ keepAlive: false, ca: [ca.cert], ...identityOf(as) }),
        ...identityOf(as),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (data: string) => (text += data));
        response.on('end', () => {
          const json = /json/.test(response.headers['content-type'] ?? '') && text !== '';
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: json ? (JSON.parse(text) as Record<string, unknown>) : {},
          });
        });
      },
    );
    asked.on('error', reject).end(body);
  });
}

function identityOf(as: Identity | undefined): { cert?: string; key?: string } {
  return as === undefined ? {} : { cert: as.chain, key: as.key };
}

/** `fetch` over an agent that shows a certificate, as far as a client library needs it. */
export function fetchWith(agent: Agent) {
  return async (
    address: string,
    init: { body?: URLSearchParams | null | undefined; headers?: Record<string, string>; method?: string },
  ): Promise<Response> =>
    new Promise((resolve, reject) => {
      const { method = 'GET', headers = {}, body } = init;
      const asked = request(address, { agent, method, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const received = Object.entries(response.headers) as [string, string][];
          resolve(
            new Response(Buffer.concat(chunks), { status: response.statusCode ?? 0, headers: received }),
          );
        });
      });
      asked.on('error', reject).end(body?.toString());
    });
}
