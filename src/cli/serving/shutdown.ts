/** How a server ends: the first signal ends it in order, a second one at once. */
import { endBy } from '../output/interrupt.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export interface Shutdown {
  readonly stop: (signal: NodeJS.Signals) => void;
  /** What a second signal does. Default: it ends this process. */
  readonly again?: (signal: NodeJS.Signals) => void;
}

/** Until this is called, a signal ends the process. */
export function onEndSignals({ stop, again = endAtOnce }: Shutdown): void {
  let isStopping = false;
  for (const signal of SIGNALS)
    process.on(signal, () => {
      if (isStopping) return again(signal);
      isStopping = true;
      stop(signal);
    });
}

/** By that signal, as without a listener: a shell sees 130 for SIGINT. */
export function endAtOnce(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  void endBy(signal);
}
