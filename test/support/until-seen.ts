/** Random tests that must not pass on cases that never came up. */
import { expect } from 'chai';

const MOST_RUNS = 6;

/**
 * Runs a random test, and again while it has met a kind of case too rarely: how often chance brings one differs widely.
 *
 * @param counts how often each kind was met; `run` adds to it.
 * @param least for each kind, to be exceeded.
 * @throws AssertionError if that is still so after six runs, with the kind.
 */
export async function untilSeen(
  counts: Readonly<Record<string, number>>,
  least: number,
  run: () => Promise<void>,
): Promise<void> {
  for (let runs = 0; runs < MOST_RUNS; runs++) {
    await run();
    if (Math.min(...Object.values(counts)) > least) return;
  }
  for (const [kind, count] of Object.entries(counts)) expect(count, kind).to.be.greaterThan(least);
}
