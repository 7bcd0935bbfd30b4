/** Ctrl-C in the middle of work that has to be undone: a bar on the terminal, a folder of temporary files. */
import { setImmediate as nextTurn } from 'node:timers/promises';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs work that a signal interrupts. Once the work has ended, having undone what it had begun, the process ends by that
 * signal, as it would have at once without this: a shell sees 130 for SIGINT, and stops its own loop. A second signal
 * does not wait.
 *
 * @param work is told by its argument; work that does not listen goes on to its end first.
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
    // A signal that came while the work held the thread is told of before the second turn: only then is it looked for.
    await nextTurn();
    await nextTurn();
    for (const signal of SIGNALS) process.off(signal, interrupt);
    if (received) await endBy(received);
  }
}

/** Nothing listens to the signal any more, so the system ends the process. */
export function endBy(signal: NodeJS.Signals): Promise<never> {
  process.kill(process.pid, signal);
  return new Promise(() => undefined);
}
