/** Reloads, one at a time: requests within a moment, or while one runs, share one reload. */

/** A tool that writes a graph and then sends a signal does both within this time; repeated signals count once. */
const MOMENT_MS = 100;

export class Reloads {
  readonly #run: (causes: readonly string[], signal: AbortSignal) => Promise<void>;
  readonly #causes = new Set<string>();
  readonly #closed = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  /** @param run never rejects; it ends soon once its signal is aborted. */
  constructor(run: (causes: readonly string[], signal: AbortSignal) => Promise<void>) {
    this.#run = run;
  }

  /** Reads everything again, as it is now or later. */
  ask(cause: string): void {
    if (this.#closed.signal.aborted) return;
    this.#causes.add(cause);
    if (!this.#running) this.#timer ??= setTimeout(() => this.#start(), MOMENT_MS).unref();
  }

  /** Ends the one that runs, and waits for its end. */
  async close(): Promise<void> {
    this.#closed.abort(new Error('The process is about to end.'));
    clearTimeout(this.#timer);
    await this.#running;
  }

  #start(): void {
    this.#timer = undefined;
    const causes = [...this.#causes];
    this.#causes.clear();
    this.#running = this.#run(causes, this.#closed.signal).finally(() => {
      this.#running = undefined;
      if (this.#causes.size > 0 && !this.#closed.signal.aborted) this.#start();
    });
  }
}
