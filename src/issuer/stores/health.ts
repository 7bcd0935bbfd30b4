/** Tracks whether a store takes writes, and reports each change once. */
import type { Notify } from './events.ts';

export type StoreHealth = ReturnType<typeof storeHealth>;

export function storeHealth(notify: Notify) {
  let lost: { readonly reason: string; readonly at: number } | undefined;

  return {
    /** The reason of the first failure; undefined while writes succeed. */
    get reason(): string | undefined {
      return lost?.reason;
    },
    failed(reason: string): void {
      if (lost) return;
      lost = { reason, at: performance.now() };
      notify({ type: 'lost', reason });
    },
    succeeded(): void {
      if (!lost) return;
      const seconds = Math.round((performance.now() - lost.at) / 1_000);
      lost = undefined;
      notify({ type: 'back', seconds });
    },
  };
}
