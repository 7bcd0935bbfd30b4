/** Counts the steps of a computation: hostile input is measured in steps, not in time. */

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** A method of a built-in class, and what one call of it counts. */
interface Counter<Owner extends object> {
  readonly of: Owner;
  readonly method: keyof Owner & string;
  readonly cost: (self: unknown, args: readonly unknown[], result: unknown) => number;
}

function counted<Owner extends object>({ of, method, cost }: Counter<Owner>, run: () => void): number {
  const original = of[method] as (...args: unknown[]) => unknown;
  let count = 0;
  of[method] = function (this: unknown, ...args: unknown[]): unknown {
    const result = original.apply(this, args);
    count += cost(this, args, result);
    return result;
  } as Owner[typeof method];
  syncBuiltinESMExports(); // modules import the functions of node:fs by name
  try {
    run();
  } finally {
    of[method] = original as Owner[typeof method];
    syncBuiltinESMExports();
  }
  return count;
}

/** How often `method` of a class is called while `run` runs. */
export function callsTo<Owner extends object>(
  of: Owner,
  method: keyof Owner & string,
  run: () => void,
): number {
  return counted({ of, method, cost: () => 1 }, run);
}

/** Bytes that `run` reads of files that it opened. */
export function bytesRead(run: () => void): number {
  return counted({ of: fs, method: 'readSync', cost: (_self, _args, result) => Number(result) }, run);
}

/** Characters that `run` gives to regular expressions: every search begins where the one before ended. */
export function charactersSearched(run: () => void): number {
  return counted(
    {
      of: RegExp.prototype,
      method: 'exec',
      cost(self, [text], result) {
        const { lastIndex, global, sticky } = self as RegExp;
        const match = result as RegExpExecArray | null;
        if (match === null) return String(text).length;
        return global || sticky ? Math.max(1, lastIndex - match.index) : match.index + match[0].length;
      },
    },
    run,
  );
}
