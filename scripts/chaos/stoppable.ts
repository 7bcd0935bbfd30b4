/** Ctrl-C and SIGTERM while issuers run and disks are mounted. */
import { endBy } from '../../src/cli/output/interrupt.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** npm and tsx pass a signal on that the whole process group has got: what comes so soon after the first is the first. */
const SAME_MS = 1_000;

/**
 * Runs work that a signal stops. Once it has undone what it had begun, the process ends by that signal: a shell sees 130
 * or 143. A second signal does not wait for that.
 *
 * @param work gets a promise that resolves when the run is stopped.
 */
export async function stoppable<Result>(
  work: (stopped: Promise<unknown>) => Promise<Result>,
): Promise<Result> {
  let first: { readonly signal: NodeJS.Signals; readonly at: number } | undefined;
  const end = async (signal: NodeJS.Signals): Promise<never> => {
    for (const each of SIGNALS) process.removeAllListeners(each);
    return endBy(signal);
  };
  const stopped = new Promise<void>((resolve) => {
    const receive = (signal: NodeJS.Signals): void => {
      if (!first) first = { signal, at: performance.now() };
      else if (performance.now() - first.at > SAME_MS) void end(signal);
      resolve();
    };
    for (const signal of SIGNALS) process.on(signal, receive);
  });
  const result = await work(stopped);
  if (first) await end(first.signal);
  for (const signal of SIGNALS) process.removeAllListeners(signal);
  return result;
}
