/** Reports events that may happen thousands of times a second, at intervals and with their count. */

const PAUSE_MS = 10_000;

export class ThrottledReport {
  readonly #report: (count: number) => void;
  #count = 0;
  #pause: NodeJS.Timeout | undefined;

  /** @param report called at the first event at once, then every ten seconds with the events since, until there are none. */
  constructor(report: (count: number) => void) {
    this.#report = report;
  }

  happened(): void {
    this.#count += 1;
    if (!this.#pause) this.#tell();
  }

  #tell(): void {
    this.#pause = undefined;
    if (this.#count === 0) return;
    this.#report(this.#count);
    this.#count = 0;
    this.#pause = setTimeout(() => this.#tell(), PAUSE_MS).unref();
  }
}
