/** Waits for an input no longer than its reader does. */

/**
 * The same chunks. What is waited for when `signal` is aborted is not waited for any longer: a pipe may give nothing for
 * hours, and a read that has begun cannot be taken back.
 *
 * @throws the reason of the signal.
 */
export async function* untilAborted<Chunk>(
  chunks: AsyncIterable<Chunk>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Chunk> {
  if (!signal) {
    yield* chunks;
    return;
  }
  const iterator = chunks[Symbol.asyncIterator]();
  let refuse: ((reason: unknown) => void) | undefined;
  const abort = (): void => refuse?.(signal.reason);
  signal.addEventListener('abort', abort);
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await new Promise<IteratorResult<Chunk>>((resolve, reject) => {
        refuse = reject;
        iterator.next().then(resolve, reject);
      });
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', abort);
    // What it waits for is not waited for here.
    void iterator.return?.().catch(() => undefined);
  }
}
