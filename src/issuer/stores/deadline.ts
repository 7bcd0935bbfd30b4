/** A limit on how long to wait for something that has no limit of its own. */

export class DeadlineMissed extends Error {}

/**
 * @param milliseconds until `work` must be done.
 * @param signal ends the waiting before that.
 * @throws DeadlineMissed if it is not; what `work` throws; the signal's reason. `work` itself continues.
 */
export async function within<Result>(
  milliseconds: number,
  work: Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  let stop = (): void => {};
  const missed = new Promise<never>((_, reject) => {
    const miss = (): void => reject(new DeadlineMissed(`no answer within ${milliseconds} ms`));
    const abort = (): void => reject(signal?.reason as Error);
    // What arrived while this process was busy is read before the immediate runs: it is in time.
    const timer = setTimeout(() => setImmediate(miss), milliseconds);
    signal?.addEventListener('abort', abort);
    stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
  });
  try {
    return await Promise.race([work, missed]);
  } finally {
    stop();
  }
}
