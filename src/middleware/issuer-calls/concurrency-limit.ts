/**
 * Limits how many requests to the issuer run at once. The others wait, first come first served, each until its own
 * deadline. So a thousand unknown tokens take a few connections, not a thousand.
 */

import { issuerUnavailable } from '../../discovery/index.ts';

/** Most waiting requests. Each holds a token that the incoming request holds anyway. */
const MOST_WAITING = 10_000;

export class ConcurrencyLimit {
  readonly #most: number;
  readonly #mostWaiting: number;
  #running = 0;
  /** The longest waiting first. */
  readonly #waiting = new Set<() => void>();

  /** @param most requests at once, at least 1. */
  constructor(most: number, mostWaiting = MOST_WAITING) {
    this.#most = most;
    this.#mostWaiting = mostWaiting;
  }

  /**
   * Runs a request as soon as one of the connections is free. It is free again once the request has settled.
   *
   * @throws WaybillError `issuer_unavailable` where the deadline passes before that, or too many wait already.
   */
  async run<Answer>(deadline: AbortSignal, request: () => Promise<Answer>): Promise<Answer> {
    if (this.#running < this.#most) this.#running += 1;
    else await this.#turn(deadline);
    try {
      return await request();
    } finally {
      // `fetch` can reuse a connection one turn after its answer has ended; earlier it would open another one.
      setImmediate(() => this.#passOn());
    }
  }

  async #turn(deadline: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#mostWaiting) {
      throw issuerUnavailable(
        `${this.#most} requests to it run and ${this.#waiting.size} wait, which is the limit`,
      );
    }
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        deadline.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = (): void => {
        this.#waiting.delete(begin);
        reject(issuerUnavailable(`the deadline passed while ${this.#most} other requests to it ran`));
      };
      this.#waiting.add(begin);
      deadline.addEventListener('abort', giveUp, { once: true });
    });
  }

  #passOn(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      next();
      return; // it has taken over the connection
    }
    this.#running -= 1;
  }
}
