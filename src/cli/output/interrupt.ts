/** Ctrl-C in the middle of work that has to be undone: a bar on the terminal, a folder of temporary files. */
import { setImmediate as nextTurn } from 'node:timers/promises';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs work that a signal interrupts. The work cleans up and ends; then the process ends by that signal, so that a shell
 * sees 130 for SIGINT and stops its own loop. A second signal ends the process at once.
 *
 * @param work gets an `AbortSignal`; work that ignores it runs to its end first.
 */
export async function interruptible<Result>(
  work: (interrupted: AbortSignal) => Result | Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  let received: NodeJS.Signals | undefined;
  const interrupt = (signal: NodeJS.Signals): void => {
    received = signal;
    for (const each of SIGNALS) process.off(each, interrupt);
    controller.abort();
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  try {
    return await work(controller.signal);
  } finally {
    // A signal that arrives while the work blocks the thread is delivered before the second turn, not before the first.
    await nextTurn();
    await nextTurn();
    for (const signal of SIGNALS) process.off(signal, interrupt);
    if (received) await endBy(received);
  }
}

/** No listener is left for the signal, so the system ends the process. */
export function endBy(signal: NodeJS.Signals): Promise<never> {
  process.kill(process.pid, signal);
  return new Promise(() => undefined);
}
