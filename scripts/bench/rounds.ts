/**
 * Measures what runs in this process: CPU time of each side, in turns.
 *
 * mitata and tinybench measure one side after the other, by the clock on the wall; on a machine that others use as well
 * that compares moments, not sides. Here each round gives every side its turn, and what counts is the CPU time that the
 * system charges to this process (`process.cpuUsage`): its threads count too, so that work on another thread, as WebCrypto
 * does it, and collecting garbage are not free.
 */
import { setFlagsFromString } from 'node:v8';
import type { PartOptions } from './part.ts';
import { takeTurns } from './turns.ts';

// V8 throws away the code of what did not run for a few collections. A server's does; that of a side would be gone while
// the others have their turns.
setFlagsFromString('--no-flush-bytecode');

export interface Side {
  readonly name: string;
  /**
   * Gets ready for this many acts, say by making their inputs; that is not measured. Only what it returns is: all the
   * acts, one after the other.
   */
  batch(count: number): () => void | Promise<void>;
  /**
   * Acts of each batch, where their inputs lie ready: the same number on every machine, so that a fast one does not need
   * more memory. Default: as many as take about a quarter of a turn.
   */
  readonly inputs?: number;
}

/** µs of CPU for one act, one value for each round, by the side's name. */
export type Samples = ReadonlyMap<string, readonly number[]>;

/** A side that needs no inputs. */
export function repeated(name: string, act: () => void): Side {
  return {
    name,
    batch: (count) => () => {
      for (let done = 0; done < count; done += 1) act();
    },
  };
}

/** The same for acts that are waited for. */
export function awaited(name: string, act: () => Promise<unknown>): Side {
  return {
    name,
    batch: (count) => async () => {
      for (let done = 0; done < count; done += 1) await act();
    },
  };
}

export async function inTurns(
  sides: readonly Side[],
  options: Pick<PartOptions, 'rounds' | 'ms' | 'tell'>,
): Promise<Samples> {
  const counts = new Map<Side, number>();
  for (const side of sides) {
    options.tell(`warming up: ${side.name}`);
    counts.set(side, await calibrated(side, options.ms));
  }
  return takeTurns(sides, options, (side) => turn(side, counts.get(side) ?? 1, options.ms));
}

/** For each millisecond of a turn: the compiler counts calls, and code of many functions takes thousands to be hot. */
const WARM_ACTS = 10;

/** Runs a side until the compiler had its chance. @returns the acts of a batch. */
async function calibrated(side: Side, ms: number): Promise<number> {
  const quarter = ms * 250;
  let [count, spent, acts] = [side.inputs ?? 1, 0, 0];
  for (;;) {
    const took = await timed(side, count);
    spent += took;
    acts += count;
    if (spent >= 2 * ms * 1_000 && acts >= WARM_ACTS * ms)
      return side.inputs ?? Math.max(1, Math.round((count * quarter) / took));
    if (side.inputs === undefined && took < quarter) count *= 2;
  }
}

async function turn(side: Side, count: number, ms: number): Promise<number> {
  let [acts, spent] = [0, 0];
  collectGarbage('major');
  await timed(side, count); // not counted: finds its way back into the caches of the processor
  do {
    spent += await timed(side, count);
    acts += count;
  } while (spent < ms * 1_000);
  return spent / acts;
}

/** µs of CPU for a batch. The inputs are made old before, so that moving them is not charged to whoever reads them. */
async function timed(side: Side, count: number): Promise<number> {
  const run = side.batch(count);
  collectGarbage('minor');
  collectGarbage('minor');
  const before = process.cpuUsage();
  const running = run();
  if (running instanceof Promise) await running;
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** @throws TypeError without `--expose-gc`. */
export function collectGarbage(type: 'major' | 'minor'): void {
  if (!globalThis.gc) throw new TypeError('start node with --expose-gc');
  globalThis.gc({ type, execution: 'sync' });
}
