/**
 * Shows the page on loopback. It answers GET for a handful of fixed addresses, and only under a name of loopback: a page
 * of another site that points its own name here (DNS rebinding) gets nothing. What the graph is goes to nobody else.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WaybillError } from '../../errors.ts';
import type { PageFiles } from './page-files.ts';
import type { ViewData } from './view-data.ts';

export interface Explorer {
  readonly url: string;
  /** From now on the page shows this; those that are open fetch it. */
  show(data: ViewData): void;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';

/** `style-src`: sizes and colours are set by script, through the object model, which this allows. */
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
 * @param port 0: any that is free.
 * @throws WaybillError `usage` where the port cannot be had.
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
    else refuse(response, 404, 'There is nothing here.');
  });
  await new Promise<void>((done, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      fail(
        new WaybillError('usage', `Port ${port} cannot be listened on (${error.code ?? 'unknown reason'}).`),
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
  if (!names.includes(headers.host ?? '')) return [421, 'This server answers to names of loopback alone.'];
  if (method !== 'GET' && method !== 'HEAD') return [405, 'There is nothing here to change.'];
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

/** Server-sent events: one for each change, and the connection kept open for the next. */
function follow(response: ServerResponse, listeners: Set<ServerResponse>): void {
  response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
  response.write('retry: 1000\n\n');
  listeners.add(response);
  response.on('close', () => listeners.delete(response));
}
