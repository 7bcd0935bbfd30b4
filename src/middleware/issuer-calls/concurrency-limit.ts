/**
 * How many requests to the issuer run at once. The others wait, first come first served, and each only as long as its own
 * deadline lasts: a thousand tokens that nobody knows take a few connections one after the other, not a thousand.
 */

import { issuerUnavailable } from '../../discovery/index.ts';

/** Most requests that wait. Each holds a token that its own request holds anyway. */
const MOST_WAITING = 10_000;

export class Connections {
  readonly #most: number;
  readonly #mostWaiting: number;
  #running = 0;
  /** Those who have waited longest stand first. */
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
      // `fetch` takes a connection again one turn after its answer has ended; before that it would open another one.
      setImmediate(() => this.#passOn());
    }
  }

  async #turn(deadline: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#mostWaiting) {
      throw issuerUnavailable(
        `${this.#most} requests to it run and ${this.#waiting.size} wait, which is the most`,
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
      return; // the connection is its now
    }
    this.#running -= 1;
  }
}
