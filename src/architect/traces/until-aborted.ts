/**
 * Yields the same chunks, and stops waiting for the next one when `signal` is aborted: a pipe may be silent for hours,
 * and a read in progress cannot be cancelled.
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
    // It may still wait for a read in progress.
    void iterator.return?.().catch(() => undefined);
  }
}
