/** Handles Ctrl-C during work that needs cleaning up: a progress bar, a folder of temporary files. */
import { setImmediate as nextTurn } from 'node:timers/promises';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs work that a signal can interrupt. After the work has cleaned up, the process ends by that signal, so that a shell
 * sees 130 for SIGINT and stops its own loop. A second signal ends the process immediately.
 *
 * @param work gets a signal that is aborted on Ctrl-C; work that ignores it runs to its end first.
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
    // Node delivers a signal that arrived while the work held the thread within two turns of the event loop.
    await nextTurn();
    await nextTurn();
    for (const signal of SIGNALS) process.off(signal, interrupt);
    if (received) await endBy(received);
  }
}

/** No listener may be left, so that the system ends the process. */
export function endBy(signal: NodeJS.Signals): Promise<never> {
  process.kill(process.pid, signal);
  return new Promise(() => undefined);
}
