/** Work in steps that are small, so that a process can answer requests in between. */

/** What is to be done, a little after each `yield`. */
export type Steps<Result> = Generator<undefined, Result, undefined>;

/** Milliseconds for which steps follow each other before everything else has its turn. */
const SLICE_MS = 10;

/** Takes all steps, one after the other. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/**
 * Takes the steps in slices of some 10 ms. Between two of them the event loop goes round once.
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
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
}
