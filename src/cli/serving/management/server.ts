/** The HTTP of the management port: `/healthz` and `/readyz`. Without Express, which the thread would load a second time. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ReadinessReport } from '../../../issuer/http/index.ts';
import type { Reports } from './reports.ts';

export interface ManagementAddress {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
}

/** Probes are few and small. */
const LIMITS = {
  requestTimeout: 5_000,
  headersTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16 * 1024,
};
const MAX_CONNECTIONS = 256;

/**
 * Listens, without keeping the process alive for it.
 *
 * @returns the URL. @throws Error of the system where it cannot listen.
 */
export async function listenForProbes(reports: Reports, { host, port }: ManagementAddress): Promise<string> {
  const probes: ReadonlyMap<string, () => ReadinessReport> = new Map([
    ['/healthz', () => reports.health()],
    ['/readyz', () => reports.readiness()],
  ]);
  const server = createServer(LIMITS, (request, response) => {
    const [path = ''] = (request.url ?? '').split('?', 1);
    const probe = probes.get(path);
    if (!probe) return sendProblem(response, 404, 'Not Found', 'This port has /healthz and /readyz.');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return sendProblem(response, 405, 'Method Not Allowed', 'Use GET, HEAD.', { allow: 'GET, HEAD' });
    const { status, body } = probe();
    sendJson(response, status, body, { 'content-type': 'application/json' });
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  server.unref();
  const { family, address, port: taken } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`;
}

function sendProblem(
  response: ServerResponse,
  status: number,
  title: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const problem = { type: 'about:blank', title, status, detail };
  sendJson(response, status, problem, { 'content-type': 'application/problem+json', ...headers });
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>>,
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(text);
}
