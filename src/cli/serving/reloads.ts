/** Reloads, one at a time: requests within a moment, or while one runs, share one reload. */

/** A tool that writes a graph and then sends a signal does both within this time; repeated signals count once. */
const MOMENT_MS = 100;

/** @param run never rejects; it ends soon once its signal is aborted. */
export function bundleReloads(run: (causes: readonly string[], signal: AbortSignal) => Promise<void>) {
  const waiting = new Set<string>();
  const closed = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;

  function start(): void {
    timer = undefined;
    const causes = [...waiting];
    waiting.clear();
    running = run(causes, closed.signal).finally(() => {
      running = undefined;
      if (waiting.size > 0 && !closed.signal.aborted) start();
    });
  }

  return {
    /** Reads everything again, as it is now or later. */
    ask(cause: string): void {
      if (closed.signal.aborted) return;
      waiting.add(cause);
      if (!running) timer ??= setTimeout(start, MOMENT_MS).unref();
    },
    /** Ends the one that runs, and waits for its end. */
    async close(): Promise<void> {
      closed.abort(new Error('The process is about to end.'));
      clearTimeout(timer);
      await running;
    },
  };
}
