/**
 * Stands before a server on TCP, counts connections and POST requests, and can let them hang: accepted, and nothing
 * answered.
 */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

export interface CountingProxy {
  /** With http. */
  readonly url: string;
  /** POST requests that came. An idle connection, as `fetch` makes one in place of one that it gave up, brings none. */
  readonly posts: number;
  /** Connections that are open now. */
  readonly open: number;
  /** Most that were open at once. */
  readonly most: number;
  /** For connections that come from now on. */
  hangs: boolean;
}

const servers = new Map<Server, Set<Socket>>();

/** Ends all of them, and their connections. */
export async function closeProxies(): Promise<void> {
  const closing = [...servers].map(async ([server, sockets]) => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  servers.clear();
  await Promise.all(closing);
}

/** @param target where it leads to, with http. Default: nowhere, so that everything hangs. */
export async function countingProxy(target?: string): Promise<CountingProxy> {
  const sockets = new Set<Socket>();
  const counts = { posts: 0, open: 0, most: 0 };
  const server = createServer((socket) => {
    counts.open += 1;
    counts.most = Math.max(counts.most, counts.open);
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      counts.open -= 1;
      sockets.delete(socket);
    });
    socket.on('data', (data: Buffer) => (counts.posts += data.toString('latin1').split('POST /').length - 1));
    if (proxy.hangs || target === undefined) return;
    const { hostname, port } = new URL(target);
    const onward = connect(Number(port), hostname);
    onward.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.on('close', () => onward.destroy());
    socket.pipe(onward).pipe(socket);
  });
  const proxy = {
    url: '',
    get posts() {
      return counts.posts;
    },
    get open() {
      return counts.open;
    },
    get most() {
      return counts.most;
    },
    hangs: target === undefined,
  };
  servers.set(server, sockets);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 2048, resolve));
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;
}
