/**
 * What comes before a server closes, so that clients lose no request by it. A request that is on its way into a connection
 * that closes is lost; so each connection ends with an answer that says so. The same goes for connections that the system
 * has taken and the server has not: the listener closes in a moment in which there are none.
 */
import type { RequestListener, Server, ServerResponse } from 'node:http';
import { setImmediate as endOfTurn, setTimeout as pause } from 'node:timers/promises';
import type { Connections } from './connections.ts';

/** For connections to end by themselves, beyond the time after which idle ones are closed. */
const SLACK_MS = 500;
/** Without a new connection for so long, none is left: a server takes one a turn, a worker what its supervisor hands on. */
const QUIET_MS = 50;
/** Who comes on and on is not waited for. */
const HOLD_MS = 1_000;
const LOOK_MS = 5;

export class Drain {
  readonly #server: Server;
  readonly #answer: RequestListener;
  readonly #connections: Connections;
  /** Requests that wait for the listener to close; undefined: they are answered at once. */
  #held: (() => void)[] | undefined;

  /** @param answer the listener of requests that the server was made with. */
  constructor(server: Server, answer: RequestListener, connections: Connections) {
    this.#server = server;
    this.#answer = answer;
    this.#connections = connections;
  }

  /** @returns in the moment to close the listener; after that, `release` has to be called. */
  async run(): Promise<void> {
    this.#server.prependListener('request', (_request, response: ServerResponse) => {
      response.shouldKeepAlive = false;
    });
    await this.#connections.gone(this.#server.keepAliveTimeout + SLACK_MS);
    this.#hold();
    const start = performance.now();
    for (;;) {
      await pause(LOOK_MS);
      await endOfTurn(); // connections have been taken since
      const now = performance.now();
      if (now - this.#connections.lastOpened > QUIET_MS || now - start > HOLD_MS) return;
    }
  }

  /** Answers what was held. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const answer of held) answer();
  }

  /** Clients that ask anew for each answer make no more connections as long as there is none. */
  #hold(): void {
    this.#held = [];
    this.#server.off('request', this.#answer);
    this.#server.on('request', (request, response) => {
      if (this.#held) this.#held.push(() => this.#answer(request, response));
      else this.#answer(request, response);
    });
  }
}
