/**
 * Limits the open connections of a server. When file descriptors run out, the system accepts connections and closes them
 * without telling the process; so the limit stays below that, and refused connections are reported.
 */
import type { Server, Socket } from 'node:net';
import { roomForConnections } from './open-files.ts';
import { ThrottledReport } from './throttled-report.ts';

/** More than a process with one event loop serves well. */
const MAX_CONNECTIONS = 10_000;

/**
 * @param asked default: 10,000.
 * @returns this number, or fewer where the limit on file descriptors allows fewer: a worker that has none left never gets
 *   a connection from its supervisor again.
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
   * Closes connections beyond the limit at once. `server.maxConnections` does not serve: workers of `node:cluster` would
   * pass a connection that all of them refuse around forever.
   *
   * @param refused called with the number of closed connections, at once and then every ten seconds.
   */
  constructor(server: Server, max: number, refused: (connections: number) => void) {
    const refusals = new ThrottledReport(refused);
    server.prependListener('connection', (socket: Socket) => {
      if (this.#open < max) return this.#opened(socket);
      refusals.happened();
      socket.destroy();
    });
    // After a successful `listen`, an error means that the system could not accept a connection.
    server.on('error', () => server.listening && refusals.happened());
  }

  /** Resolves when no connection is open, or after the given milliseconds. */
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
