/**
 * A circuit breaker: stops asking an endpoint that does not answer. While it is open, every request fails at once instead
 * of waiting for its deadline. After a pause one request is sent, and its outcome decides. The breaker only refuses:
 * nothing is accepted because of it.
 *
 * Failures are: no answer in time, a broken connection, a status of 5xx. A status of 4xx counts as an answer.
 */

import { issuerUnavailable } from '../../discovery/index.ts';
import { isWaybillError, type WaybillError } from '../../errors.ts';

/** This many failures in a row open it, if they lie within the window, in milliseconds. */
const FAILURES = 5;
const WINDOW = 60_000;
/** Pause in milliseconds, from the last failure that counted. */
const PAUSE = 2_000;

export class CircuitBreaker {
  readonly #now: () => number;
  #failures = 0;
  #firstFailure = 0;
  /** When it opened, and the last failure; undefined: it is closed. */
  #opened: { readonly at: number; readonly why: string } | undefined;
  #isProbing = false;

  /** @param now monotonic, in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** @throws WaybillError `issuer_unavailable` where a request would not be let through. */
  requireClosed(): void {
    if (this.#opened === undefined) return;
    if (this.#isProbing) throw this.#refused('one request is testing whether it answers again');
    const left = this.#opened.at + PAUSE - this.#now();
    if (left > 0) throw this.#refused(`the next attempt is in ${Math.ceil(left)} ms`);
  }

  /**
   * @param request fails with `issuer_unavailable` if the issuer did not answer; any other outcome is an answer, or
   *   says nothing about the issuer.
   * @throws WaybillError `issuer_unavailable` where it is open, without calling `request`.
   */
  async run<Answer>(request: () => Promise<Answer>): Promise<Answer> {
    this.requireClosed();
    const isProbe = this.#opened !== undefined;
    if (isProbe) this.#isProbing = true;
    try {
      const answer = await request();
      this.#failures = 0;
      this.#opened = undefined;
      return answer;
    } catch (error) {
      if (isWaybillError(error, 'issuer_unavailable')) this.#count(error, isProbe);
      throw error;
    } finally {
      if (isProbe) this.#isProbing = false;
    }
  }

  /** Ignores requests that began before it opened: only the test request keeps it open. */
  #count({ detail, message }: WaybillError, isProbe: boolean): void {
    if (this.#opened !== undefined && !isProbe) return;
    const now = this.#now();
    if (this.#failures === 0 || now - this.#firstFailure > WINDOW) {
      this.#failures = 0;
      this.#firstFailure = now;
    }
    this.#failures += 1;
    if (this.#opened !== undefined || this.#failures >= FAILURES)
      this.#opened = { at: now, why: detail ?? message };
  }

  #refused(state: string): WaybillError {
    return issuerUnavailable(
      `not asked, because ${FAILURES} requests in a row failed; ${state}. The last failure: ${this.#opened?.why}`,
    );
  }
}
