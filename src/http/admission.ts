/**
 * Keeps the issuer quick when more is asked of it than it can do: what would have to wait too long is answered 503 at once,
 * before its body is read and before anything is signed. Keys, metadata and probes are always answered.
 *
 * Requests wait in two places. Those that wait for something else (a store, a provider) are counted. Those that wait for
 * the processor lie in sockets that the event loop has not come to; for them its delay is measured while it works.
 */
import type { ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { WaybillError } from '../errors.ts';
import { sendOAuthError } from './answers.ts';
import { Occasional } from './occasional.ts';

export interface AdmissionLimits {
  /** Requests that are worked on at the same time. Default: 1000. */
  readonly maxRequests?: number | undefined;
  /** Milliseconds for which one turn of the event loop takes up new requests. Default: 500. */
  readonly maxDelay?: number | undefined;
}

const MAX_REQUESTS = 1_000;
const MAX_DELAY_MS = 500;
/** How often the delay is measured while requests are worked on. */
const MEASURE_MS = 20;

export class Admission {
  readonly #maxRequests: number;
  readonly #maxDelay: number;
  readonly #refused: Occasional;
  #requests = 0;
  /** When this turn of the event loop began to work on requests; undefined: it is idle. */
  #turn: number | undefined;

  constructor(log: Logger, { maxRequests = MAX_REQUESTS, maxDelay = MAX_DELAY_MS }: AdmissionLimits) {
    this.#maxRequests = maxRequests;
    this.#maxDelay = maxDelay;
    this.#refused = new Occasional((refused) =>
      log.warn({ refused, working: this.#requests }, 'overloaded: requests were answered 503'),
    );
  }

  /** For the time before a body is read. */
  readonly beforeBody: RequestHandler = (_request, response, next) => {
    if (this.#isFull()) this.#refuse(response);
    else next();
  };

  /** Does the work of a request, or answers 503. */
  async run(response: ServerResponse, work: () => Promise<void>): Promise<void> {
    // Again: many bodies may have come in at the same time. A body that never ends takes nobody's place.
    if (this.#isFull()) return this.#refuse(response);
    this.#requests += 1;
    try {
      await work();
    } finally {
      this.#requests -= 1;
    }
  }

  #isFull(): boolean {
    const now = performance.now();
    if (this.#turn === undefined) this.#measure(now);
    return this.#requests >= this.#maxRequests || now - (this.#turn ?? now) > this.#maxDelay;
  }

  /** A timer fires once in a turn at most, so `#turn` is when the last one began, and `MEASURE_MS` before that at worst. */
  #measure(now: number): void {
    this.#turn = now;
    setTimeout(() => {
      this.#turn = undefined;
      if (this.#requests > 0) this.#measure(performance.now());
    }, MEASURE_MS).unref();
  }

  #refuse(response: ServerResponse): void {
    this.#refused.happened();
    sendOAuthError(response, new WaybillError('overloaded', 'The issuer has too much to do. Try again later.'));
  }
}
