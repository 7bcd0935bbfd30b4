/** Tracks whether a store takes writes, and reports each change once. */
import type { Notify } from './events.ts';

export class StoreHealth {
  readonly #notify: Notify;
  #lost: { readonly reason: string; readonly at: number } | undefined;

  constructor(notify: Notify) {
    this.#notify = notify;
  }

  /** The reason of the first failure; undefined while writes succeed. */
  get reason(): string | undefined {
    return this.#lost?.reason;
  }

  failed(reason: string): void {
    if (this.#lost) return;
    this.#lost = { reason, at: performance.now() };
    this.#notify({ type: 'lost', reason });
  }

  succeeded(): void {
    if (!this.#lost) return;
    const seconds = Math.round((performance.now() - this.#lost.at) / 1_000);
    this.#lost = undefined;
    this.#notify({ type: 'back', seconds });
  }
}
