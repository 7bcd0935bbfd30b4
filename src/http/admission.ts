/**
 * Keeps the issuer quick when more is asked of it than it can do. Requests wait in one queue, in which none waits for
 * longer than a second; what comes beyond is answered 503, before its body is read and before anything is signed. Keys,
 * metadata and probes are not queued.
 *
 * The event loop takes one new connection in each of its turns. So turns have to be short, or connections wait with the
 * system, where nobody can answer them: one request is worked on in a turn, and for half of the time none at all while
 * others come.
 */
import type { ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { WaybillError } from '../errors.ts';
import { Occasional } from '../occasional.ts';
import { sendOAuthError } from './answers.ts';

export interface AdmissionLimits {
  /** Requests that wait or are worked on at the same time. Default: 1000. */
  readonly maxRequests?: number | undefined;
  /** Milliseconds that a request waits at most before the work on it begins. Default: 1000. */
  readonly maxWait?: number | undefined;
}

const MAX_REQUESTS = 1_000;
const MAX_WAIT_MS = 1_000;
/** While requests come, those that wait are worked on for so long, then others are taken for so long. */
const WORK_MS = 10;
const TAKING_MS = 10;

interface Waiting {
  readonly since: number;
  /** Begins the work, or refuses it. */
  readonly begin: () => void;
}

export class Admission {
  readonly #maxRequests: number;
  readonly #maxWait: number;
  readonly #refused: Occasional;
  readonly #waiting: Waiting[] = [];
  /** That wait or are worked on. */
  #requests = 0;
  /** Whether a request has come in this turn. */
  #hasTaken = false;
  /** Until then requests are worked on, whatever comes. */
  #workUntil = 0;
  #isScheduled = false;

  constructor(log: Logger, { maxRequests = MAX_REQUESTS, maxWait = MAX_WAIT_MS }: AdmissionLimits) {
    this.#maxRequests = maxRequests;
    this.#maxWait = maxWait;
    this.#refused = new Occasional((refused) =>
      log.warn({ refused, requests: this.#requests }, 'overloaded: requests were answered 503'),
    );
  }

  /** For the time before a body is read. */
  readonly beforeBody: RequestHandler = (_request, response, next) => {
    this.#hasTaken = true;
    if (this.#isFull(performance.now())) this.#refuse(response);
    else next();
  };

  /** Does the work of a request when its turn comes, or answers 503. */
  run(response: ServerResponse, work: () => Promise<void>): Promise<void> {
    const now = performance.now();
    // Again: many bodies may have come in at the same time. A body that never ends takes nobody's place.
    if (this.#isFull(now)) {
      this.#refuse(response);
      return Promise.resolve();
    }
    this.#requests += 1;
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        this.#work(() => this.#late(response, now, work)).then(resolve, reject);
      };
      this.#waiting.push({ since: now, begin });
      this.#schedule();
    });
  }

  async #work(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } finally {
      this.#requests -= 1;
    }
  }

  async #late(response: ServerResponse, since: number, work: () => Promise<void>): Promise<void> {
    if (response.destroyed) return; // who asked has left
    if (performance.now() - since > this.#maxWait) return this.#refuse(response);
    await work();
  }

  /** Half of the time is for those that come at once and wait behind the first. */
  #isFull(now: number): boolean {
    const [first] = this.#waiting;
    return (
      this.#requests >= this.#maxRequests || (first !== undefined && now - first.since > this.#maxWait / 2)
    );
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#endTurn());
  }

  /** All that came in this turn has been taken; one request is worked on, so that the next turn is not far. */
  #endTurn(): void {
    const hasTaken = this.#hasTaken;
    this.#hasTaken = false;
    this.#isScheduled = false;
    const now = performance.now();
    if (now >= this.#workUntil) {
      if (hasTaken && now - this.#workUntil < TAKING_MS) return this.#schedule();
      this.#workUntil = now + WORK_MS;
    }
    this.#waiting.shift()?.begin();
    if (this.#waiting.length > 0) this.#schedule();
  }

  #refuse(response: ServerResponse): void {
    this.#refused.happened();
    sendOAuthError(
      response,
      new WaybillError('overloaded', 'The issuer has too much to do. Try again later.'),
    );
  }
}
