/**
 * Drains a server before it closes, so that clients lose no request. A request that is sent on a closing connection is
 * lost, so each connection ends with an answer that says `Connection: close`. Connections in the system's backlog would be
 * lost too, so the listener closes at a moment when there are none.
 */
import type { RequestListener, Server, ServerResponse } from 'node:http';
import { setImmediate as endOfTurn, setTimeout as pause } from 'node:timers/promises';
import type { Connections } from './connections.ts';

/** Time for connections to end by themselves, after idle ones are closed. */
const SLACK_MS = 500;
/** Without a new connection for this long, none is left: a server accepts one a turn, a supervisor passes one on. */
const QUIET_MS = 50;
/** Longest wait for clients that keep connecting. */
const HOLD_MS = 1_000;
const LOOK_MS = 5;

export type Drain = ReturnType<typeof drainOf>;

/** @param answer the server's own request listener. */
export function drainOf(server: Server, answer: RequestListener, connections: Connections) {
  /** Requests that wait until the listener closes; undefined: they are answered at once. */
  let waiting: (() => void)[] | undefined;

  /** Clients that connect again after each answer make no new connection while their request is unanswered. */
  function hold(): void {
    waiting = [];
    server.off('request', answer);
    server.on('request', (request, response) => {
      if (waiting) waiting.push(() => answer(request, response));
      else answer(request, response);
    });
  }

  return {
    /** Resolves at the moment to close the listener; call `release` afterwards. */
    async run(): Promise<void> {
      server.prependListener('request', (_request, response: ServerResponse) => {
        response.shouldKeepAlive = false;
      });
      await connections.gone(server.keepAliveTimeout + SLACK_MS);
      hold();
      const start = performance.now();
      for (;;) {
        await pause(LOOK_MS);
        await endOfTurn(); // connections were accepted meanwhile
        const now = performance.now();
        if (now - connections.lastOpened > QUIET_MS || now - start > HOLD_MS) return;
      }
    },
    /** Answers the requests that were held back. */
    release(): void {
      const held = waiting ?? [];
      waiting = undefined;
      for (const answerHeld of held) answerHeld();
    },
  };
}
