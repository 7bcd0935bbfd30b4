/**
 * Serves the page on loopback: GET for a few fixed paths, and only if the Host header names loopback. A site that points
 * its own name here (DNS rebinding) gets nothing.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { usageError } from '../../errors.ts';
import type { PageFiles } from './page-files.ts';
import type { ViewData } from './view-data.ts';

export interface Explorer {
  readonly url: string;
  /** Replaces the data; open pages fetch it. */
  show(data: ViewData): void;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';

/** `style-src 'self'` still allows scripts to set sizes and colours through the object model. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
};

/**
 * @param port 0 takes a free port.
 * @throws WaybillError `usage` if the port cannot be used.
 */
export async function serveExplorer(page: PageFiles, first: ViewData, port: number): Promise<Explorer> {
  let data = JSON.stringify(first);
  const listeners = new Set<ServerResponse>();
  const answers = new Map<string, (response: ServerResponse) => void>([
    ['/', text('text/html', () => page.html)],
    ['/page.js', text('text/javascript', () => page.script)],
    ['/page.css', text('text/css', () => page.style)],
    ['/licenses.md', text('text/markdown', () => page.licenses)],
    ['/data.json', text('application/json', () => data)],
    ['/events', (response) => follow(response, listeners)],
  ]);
  const server = createServer((request, response) => {
    const refusal = refusalOf(request, server.address() as AddressInfo);
    const answer = answers.get(request.url ?? '');
    if (refusal) refuse(response, ...refusal);
    else if (answer) answer(response);
    else refuse(response, 404, 'Not found.');
  });
  await new Promise<void>((done, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      fail(
        usageError(
          `Cannot listen on port ${port} (${error.code ?? 'unknown reason'}). Choose another --port.`,
        ),
      ),
    );
    server.listen(port, HOST, done);
  });
  return {
    url: `http://${HOST}:${(server.address() as AddressInfo).port}/`,
    show(next) {
      data = JSON.stringify(next);
      for (const listener of listeners) listener.write('event: changed\ndata:\n\n');
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function refusalOf(
  { method, headers }: IncomingMessage,
  { port }: AddressInfo,
): [number, string] | undefined {
  const names = [HOST, 'localhost'].flatMap((name) => [name, `${name}:${port}`]);
  if (!names.includes(headers.host ?? '')) return [421, 'Use 127.0.0.1 or localhost as the host.'];
  if (method !== 'GET' && method !== 'HEAD') return [405, 'Use GET or HEAD.'];
  return undefined;
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  const allow = status === 405 ? { allow: 'GET, HEAD' } : {};
  response.writeHead(status, { ...HEADERS, ...allow, 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${reason}\n`);
}

function text(type: string, body: () => string): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(200, { ...HEADERS, 'content-type': `${type}; charset=utf-8` });
    response.end(body());
  };
}

function follow(response: ServerResponse, listeners: Set<ServerResponse>): void {
  response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
  response.write('retry: 1000\n\n');
  listeners.add(response);
  response.on('close', () => listeners.delete(response));
}
