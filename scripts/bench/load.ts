/**
 * Sends one request, or several in turn, over a few connections that are kept alive, each waiting for its answer. It does
 * as little as can be done, so that on a small machine the server gets the processors: requests lie ready as bytes, each
 * connection reads into one buffer of its own, and of an answer it looks at status and Content-Length.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Sent {
  readonly requests: number;
  readonly seconds: number;
}

const HEADERS_END = '\r\n\r\n';

/** Room for the largest answer, so that it is there at once most of the time. */
const ROOM = 64 * 1024;

/** Told of what has come: so many bytes at the beginning of the buffer. */
type Reader = (count: number, buffer: Uint8Array) => void;

interface Connection {
  readonly socket: Socket;
  read: Reader;
}

export class Load {
  readonly #address: { readonly port: number; readonly host: string };
  readonly #ready: readonly Buffer[];
  #next = 0;
  #connections: readonly Connection[] = [];

  /** All to one server. */
  constructor(first: HttpRequest, ...others: readonly HttpRequest[]) {
    const { hostname, port } = new URL(first.url);
    this.#address = { port: Number(port), host: hostname };
    this.#ready = [first, ...others].map(bytesOf);
  }

  /** Anew for each turn: a server lets go of a connection over which nothing comes for some seconds. */
  async open(connections: number): Promise<void> {
    this.#connections = Array.from({ length: connections }, () => connected(this.#address));
    for (const { socket } of this.#connections) {
      socket.setNoDelay();
      if (socket.connecting) await once(socket, 'connect');
    }
  }

  /** Until `enough` says so; what is under way then is still waited for. */
  async run(enough: () => boolean): Promise<Sent> {
    const started = performance.now();
    const counts = await Promise.all(this.#connections.map((one) => this.#send(one, enough)));
    return {
      requests: counts.reduce((sum, count) => sum + count, 0),
      seconds: (performance.now() - started) / 1_000,
    };
  }

  close(): void {
    for (const { socket } of this.#connections) socket.destroy();
  }

  #bytes(): Buffer {
    return this.#ready[this.#next++ % this.#ready.length]!;
  }

  #send(connection: Connection, enough: () => boolean): Promise<number> {
    const { socket } = connection;
    return new Promise((resolve, reject) => {
      let [requests, missing, head] = [0, -1, ''];
      const end = (error?: Error): void => {
        connection.read = unexpected;
        socket.off('error', end).off('close', cut);
        if (error) reject(error);
        else resolve(requests);
      };
      const cut = (): void => end(new TypeError('the server closed a connection that was to be kept alive'));
      connection.read = (count, buffer) => {
        if (missing >= 0) missing -= count;
        else {
          head += Buffer.from(buffer.buffer, buffer.byteOffset, count).toString('latin1');
          const at = head.indexOf(HEADERS_END);
          if (at < 0) return;
          const length = contentLength(head);
          if (length === undefined) return end(new TypeError(`the server answered ${head.slice(0, 200)}`));
          missing = at + HEADERS_END.length + length - head.length;
          head = '';
        }
        if (missing > 0) return;
        missing = -1;
        requests += 1;
        if (enough()) end();
        else socket.write(this.#bytes());
      };
      socket.on('error', end).on('close', cut);
      socket.write(this.#bytes());
    });
  }
}

function bytesOf({ url, headers, body }: HttpRequest): Buffer {
  const { host, pathname } = new URL(url);
  const fields = Object.entries({ host, ...headers, 'content-length': String(Buffer.byteLength(body)) });
  const head = [`POST ${pathname} HTTP/1.1`, ...fields.map(([name, value]) => `${name}: ${value}`)];
  return Buffer.from(`${head.join('\r\n')}${HEADERS_END}${body}`);
}

function connected(address: { readonly port: number; readonly host: string }): Connection {
  const connection: Connection = {
    read: unexpected,
    socket: connect({
      ...address,
      onread: {
        buffer: Buffer.allocUnsafeSlow(ROOM),
        callback(count, buffer) {
          connection.read(count, buffer);
          return true;
        },
      },
    }),
  };
  return connection;
}

function unexpected(): never {
  throw new TypeError('the server sent something that nobody asked for');
}

/** @returns undefined for any answer but a 200 with that header. */
function contentLength(head: string): number | undefined {
  const [, length] = /^content-length: (\d+)\r$/im.exec(head) ?? [];
  return head.startsWith('HTTP/1.1 200 ') && length !== undefined ? Number(length) : undefined;
}
