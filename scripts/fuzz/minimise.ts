/** Minimises a failing input: removes ever smaller pieces as long as it fails in the same way. */

/** Most runs of the target; a failure need not be the smallest possible to be useful. */
const MAX_TRIES = 400;

/**
 * @param fails whether an input fails in the same way.
 * @param until `performance.now()` at which to stop with the best result so far.
 */
export async function minimised(
  input: Buffer,
  fails: (smaller: Buffer) => Promise<boolean>,
  until: number,
): Promise<Buffer> {
  let best = input;
  let tries = 0;
  for (let size = Math.ceil(best.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.length;) {
      if (++tries > MAX_TRIES || performance.now() > until) return best;
      const smaller = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
      if (await fails(smaller)) best = smaller;
      else at += size;
    }
  }
  return best;
}
