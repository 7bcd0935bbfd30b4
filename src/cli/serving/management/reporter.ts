/** Tells the management port, twice a second, that the event loop turns and what is ready. */
import type { ReadinessReport } from '../../../issuer/http/index.ts';
import { REPORT_MS } from './reports.ts';

const UNKNOWN: ReadinessReport = { status: 503, body: { status: 'unknown' } };

export class Reporter {
  readonly #readiness: () => Promise<ReadinessReport>;
  readonly #send: (report: ReadinessReport) => void;
  #latest: ReadinessReport = { status: 503, body: { status: 'starting' } };
  #isLooking = false;
  #isFinished = false;

  /** @param readiness may take its time: meanwhile the last one is reported again. */
  constructor(readiness: () => Promise<ReadinessReport>, send: (report: ReadinessReport) => void) {
    this.#readiness = readiness;
    this.#send = send;
    setInterval(() => this.#report(), REPORT_MS).unref();
    this.#report();
  }

  /** The last report: a readiness check that is still running cannot change it. */
  finish(report: ReadinessReport): void {
    this.#isFinished = true;
    this.#latest = report;
    this.#report();
  }

  #report(): void {
    this.#send(this.#latest);
    if (!this.#isLooking && !this.#isFinished) void this.#look();
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    const found = await this.#readiness().catch(() => UNKNOWN);
    this.#isLooking = false;
    if (this.#isFinished) return;
    this.#latest = found;
    this.#send(found);
  }
}
