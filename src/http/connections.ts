/**
 * The open connections of a server, and their bound. Where file descriptors run out, the system takes connections and
 * closes them without a word to us; so the bound stays below that, and what is refused is told.
 */
import type { Server, Socket } from 'node:net';
import { Occasional } from '../occasional.ts';
import { roomForConnections } from '../open-files.ts';

/** More than a process with one event loop serves well. */
const MAX_CONNECTIONS = 10_000;
/**
 * @param asked 10,000 where it is left out.
 * @returns so many, or fewer where the limit on file descriptors leaves room for fewer: a worker that has none left gets
 *   no further connection from its supervisor, for good.
 */
export function maxConnectionsFor(asked = MAX_CONNECTIONS): number {
  return Math.min(asked, roomForConnections());
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
