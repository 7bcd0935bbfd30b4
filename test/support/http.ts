/** Real HTTP servers on port 0, and requests to them. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener, Server, ServerOptions } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';

const open = new Set<Server>();

/** Call in `afterEach` or `after`: closes every server and the connections that fetch keeps open. */
export async function closeServers(): Promise<void> {
  const closing = [...open].map((server) => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    return closed;
  });
  open.clear();
  await Promise.all(closing);
}

export async function listen(listener: RequestListener, options: ServerOptions = {}): Promise<string> {
  const server = createServer(options, listener);
  open.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A port of loopback on which nothing listens at this moment. */
export async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly body?: string | Uint8Array | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Readonly<Record<string, string>>;
}

/** RFC 6749 section 2.3.1: id and secret are form-encoded each. */
export function basic(client: string, secret: string): string {
  const encode = (text: string) => new URLSearchParams({ t: text }).toString().slice(2);
  return `Basic ${Buffer.from(`${encode(client)}:${encode(secret)}`).toString('base64')}`;
}

export async function send(address: string, options: Sent = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = options;
  const response = await fetch(address, { method, headers, body: body ?? null, redirect: 'manual' });
  const text = await response.text();
  const json = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: json ? (JSON.parse(text) as Record<string, string>) : {},
  };
}

/** Writes bytes to the server's port and reads until it closes: for requests that no client library would send. */
export async function sendRaw(origin: string, text: string): Promise<string> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.setEncoding('utf8').on('data', (data: string) => (received += data));
    socket.on('end', () => resolve(received)).on('error', reject);
  });
}
