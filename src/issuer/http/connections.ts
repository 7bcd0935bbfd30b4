/**
 * The open connections of a server, and their bound. Where file descriptors run out, the system takes connections and
 * closes them without a word to us; so the bound stays below that, and what is refused is told.
 */
import { readFileSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { Occasional } from './occasional.ts';

/** More than a process with one event loop serves well. */
const MAX_CONNECTIONS = 10_000;
/** File descriptors for all else: files, the store, what is fetched. */
const RESERVE = 128;

/** How many connections the limit on file descriptors leaves room for; at most 10,000, and that where it is not known. */
export function defaultMaxConnections(): number {
  const files = maxOpenFiles();
  return Math.min(MAX_CONNECTIONS, files - Math.min(RESERVE, Math.ceil(files / 2)));
}

/** Node has raised the soft limit to the hard one. */
function maxOpenFiles(): number {
  try {
    const [, files] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return files === undefined ? Infinity : Number(files);
  } catch {
    return Infinity; // not Linux
  }
}

export class Connections {
  /** When the last one was opened. */
  lastOpened = 0;
  #open = 0;
  #gone: () => void = () => undefined;

  /**
   * Closes connections beyond so many at once. Not by `server.maxConnections`: workers of `node:cluster` hand a connection
   * that all of them refuse round in a circle.
   *
   * @param refused told of connections that were closed, at once and then every ten seconds.
   */
  constructor(server: Server, max: number, refused: (connections: number) => void) {
    const refusals = new Occasional(refused);
    server.prependListener('connection', (socket: Socket) => {
      if (this.#open < max) return this.#opened(socket);
      refusals.happened();
      socket.destroy();
    });
    // Beside that of listening: a connection that the system could not take.
    server.on('error', () => server.listening && refusals.happened());
  }

  /** @returns when no connection is open, or after so many milliseconds. */
  async gone(patience: number): Promise<void> {
    if (this.#open === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patience);
      this.#gone = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #opened(socket: Socket): void {
    this.#open += 1;
    this.lastOpened = performance.now();
    socket.once('close', () => {
      this.#open -= 1;
      if (this.#open === 0) this.#gone();
    });
  }
}
