/** Work in small steps, so that a process can answer requests in between. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Work that yields after each small step. */
export type Steps<Result> = Generator<undefined, Result, undefined>;

/** Milliseconds of steps in a row before the event loop gets its turn. */
const SLICE_MS = 10;

/** Runs all steps in one go. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/**
 * Runs the steps in slices of some 10 ms. Between two slices the event loop runs once.
 *
 * @param signal ends it between two slices; then it rejects with the reason.
 */
export async function inSlices<Result>(steps: Steps<Result>, signal?: AbortSignal): Promise<Result> {
  for (;;) {
    const end = performance.now() + SLICE_MS;
    do {
      const step = steps.next();
      if (step.done) return step.value;
    } while (performance.now() < end);
    await nextTurn();
    signal?.throwIfAborted();
  }
}
