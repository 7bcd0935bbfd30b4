/** The HTTP of the management port: `/healthz`, `/readyz`, `/metrics`. Without Express, which the thread would load a second time. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ReadinessReport } from '../../../issuer/http/index.ts';
import type { Reports } from './reports.ts';

export interface ManagementAddress {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
}

/** What the port answers. */
export interface Management {
  readonly reports: Reports;
  /** In the text form of Prometheus; undefined where the issuer is too busy to say. */
  readonly metrics: () => Promise<string | undefined>;
}

/** Requests are few and small. */
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
export async function listenForManagement(
  { reports, metrics }: Management,
  { host, port }: ManagementAddress,
): Promise<string> {
  const pages: ReadonlyMap<string, (response: ServerResponse) => unknown> = new Map([
    ['/healthz', (response) => sendReport(response, reports.health())],
    ['/readyz', (response) => sendReport(response, reports.readiness())],
    ['/metrics', async (response) => sendMetrics(response, await metrics())],
  ]);
  const server = createServer(LIMITS, (request, response) => {
    const [path = ''] = (request.url ?? '').split('?', 1);
    const page = pages.get(path);
    if (!page)
      return sendProblem(response, 404, 'Not Found', 'This port has /healthz, /readyz and /metrics.');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return sendProblem(response, 405, 'Method Not Allowed', 'Use GET, HEAD.', { allow: 'GET, HEAD' });
    void page(response);
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

function sendReport(response: ServerResponse, { status, body }: ReadinessReport): void {
  sendText(response, status, JSON.stringify(body), { 'content-type': 'application/json' });
}

function sendMetrics(response: ServerResponse, text: string | undefined): void {
  if (text === undefined)
    return sendProblem(response, 503, 'Service Unavailable', 'The issuer does not answer in time.');
  sendText(response, 200, text, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
}

function sendProblem(
  response: ServerResponse,
  status: number,
  title: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const problem = { type: 'about:blank', title, status, detail };
  sendText(response, status, JSON.stringify(problem), {
    'content-type': 'application/problem+json',
    ...headers,
  });
}

function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, {
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(text);
}
