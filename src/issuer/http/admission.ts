/**
 * Keeps the issuer responsive under overload. Requests wait in one queue, each for at most a second; further requests are
 * answered 503 before their body is read and before anything is signed. Keys, metadata and probes are not queued.
 *
 * The event loop accepts one new connection a turn. So turns must be short, or connections wait in the system's backlog,
 * where the issuer cannot answer them: each turn works on one request, and while connections arrive, half of the time is
 * left to accepting them.
 */
import type { ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { WaybillError } from '../../errors.ts';
import type { Handler } from './form.ts';
import { sendOAuthError } from './responses.ts';
import { ThrottledReport } from './throttled-report.ts';

export interface AdmissionLimits {
  /** Most requests that wait or are processed at the same time. Default: 1000. */
  readonly maxRequests?: number | undefined;
  /** Longest wait of a request before its processing begins, in milliseconds. Default: 1000. */
  readonly maxWait?: number | undefined;
}

const MAX_REQUESTS = 1_000;
const MAX_WAIT_MS = 1_000;
/** Under load, work on waiting requests and accepting new ones alternate, each for this many milliseconds. */
const WORK_MS = 10;
const TAKING_MS = 10;

interface Waiting {
  readonly since: number;
  /** Starts processing, or answers 503. */
  readonly start: () => void;
}

export class Admission {
  readonly #maxRequests: number;
  readonly #maxWait: number;
  readonly #refused: ThrottledReport;
  readonly #onRefused: () => void;
  readonly #waiting: Waiting[] = [];
  /** Requests that wait or are processed. */
  #requests = 0;
  /** Whether a request has arrived in this turn. */
  #hasTaken = false;
  /** Until then waiting requests are processed, whatever arrives. */
  #workUntil = 0;
  #isScheduled = false;

  /** @param onRefused called for each request that is answered 503. */
  constructor(
    log: Logger,
    { maxRequests = MAX_REQUESTS, maxWait = MAX_WAIT_MS }: AdmissionLimits,
    onRefused: () => void,
  ) {
    this.#onRefused = onRefused;
    this.#maxRequests = maxRequests;
    this.#maxWait = maxWait;
    this.#refused = new ThrottledReport((refused) =>
      log.warn({ refused, requests: this.#requests }, 'overloaded: requests were answered 503'),
    );
  }

  /** Answers 503 before the body is read. */
  readonly beforeBody: Handler = (_request, response, next) => {
    this.#hasTaken = true;
    if (this.#isFull(performance.now())) this.#refuse(response);
    else next();
  };

  /** Processes a request when its turn comes, or answers 503. */
  run(response: ServerResponse, work: () => Promise<void>): Promise<void> {
    const now = performance.now();
    // Checked again: many bodies may have arrived at the same time. An unfinished body takes no place in the queue.
    if (this.#isFull(now)) {
      this.#refuse(response);
      return Promise.resolve();
    }
    this.#requests += 1;
    return new Promise((resolve, reject) => {
      const start = (): void => {
        this.#work(() => this.#late(response, now, work)).then(resolve, reject);
      };
      this.#waiting.push({ since: now, start });
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
    if (response.destroyed) return; // the client has left
    if (performance.now() - since > this.#maxWait) return this.#refuse(response);
    await work();
  }

  /** Half of the time is left for requests that arrive together and wait behind the first. */
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

  /** All requests of this turn are queued; one is processed, so that the next turn comes soon. */
  #endTurn(): void {
    const hasTaken = this.#hasTaken;
    this.#hasTaken = false;
    this.#isScheduled = false;
    const now = performance.now();
    if (now >= this.#workUntil) {
      if (hasTaken && now - this.#workUntil < TAKING_MS) return this.#schedule();
      this.#workUntil = now + WORK_MS;
    }
    this.#waiting.shift()?.start();
    if (this.#waiting.length > 0) this.#schedule();
  }

  #refuse(response: ServerResponse): void {
    this.#refused.happened();
    this.#onRefused();
    sendOAuthError(response, new WaybillError('overloaded', 'The issuer is overloaded. Try again later.'));
  }
}
