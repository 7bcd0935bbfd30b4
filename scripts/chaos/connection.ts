/** Requests over connections with known ports, so that a lost request can be matched with a killed process. */
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Post {
  readonly url: string;
  readonly path: string;
  readonly form: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** The request has no answer. */
export class NoAnswer extends Error {
  /** The connection was refused, because nothing listens: the request may be sent elsewhere. */
  readonly isUnsent: boolean;
  /** The client's port; undefined where the connection never came about. */
  readonly port: number | undefined;
  /** Of the connection, in milliseconds of the monotonic clock. */
  readonly openedAt: number;

  constructor(reason: string, port: number | undefined, openedAt: number) {
    super(reason);
    this.isUnsent = reason === 'ECONNREFUSED';
    this.port = port;
    this.openedAt = openedAt;
  }
}

/** Longer than anything here takes on a slow machine. */
const NO_ANSWER_MS = 60_000;

const opened = new WeakMap<Socket, number>();

export class Connections {
  readonly #agent: Agent;

  /** @param most connections to each server; a request beyond them waits for one. */
  constructor(most = 1) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: most });
  }

  /** @throws NoAnswer */
  post({ url, path, form, headers }: Post): Promise<Answer> {
    const body = new URLSearchParams(form).toString();
    return this.#exchange(`${url}${path}`, 'POST', body, {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(Buffer.byteLength(body)),
      ...headers,
    });
  }

  /** @throws NoAnswer */
  get(address: string): Promise<Answer> {
    return this.#exchange(address, 'GET', '', {});
  }

  close(): void {
    this.#agent.destroy();
  }

  #exchange(
    address: string,
    method: string,
    body: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let [port, openedAt] = [undefined as number | undefined, performance.now()];
      const failed = (error: NodeJS.ErrnoException): void =>
        reject(new NoAnswer(error.code ?? error.message, port, openedAt));
      const request = httpRequest(address, { agent: this.#agent, method, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (data: string) => (text += data));
        response.on('error', failed);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: jsonOf(text) }),
        );
      });
      request.on('socket', (socket) => {
        if (!opened.has(socket)) opened.set(socket, performance.now());
        openedAt = opened.get(socket) ?? openedAt;
        port = socket.localPort;
        if (socket.connecting) socket.once('connect', () => (port = socket.localPort));
      });
      request.setTimeout(NO_ANSWER_MS, () => request.destroy(new Error('no answer in a minute')));
      request.on('error', failed);
      request.end(body);
    });
  }
}

function jsonOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
