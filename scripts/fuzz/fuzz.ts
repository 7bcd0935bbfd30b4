/** Runs a target on inputs that a seed determines, and counts the outcomes. */
import { setImmediate as nextTurn } from 'node:timers/promises';

import { diceFor } from './dice.ts';
import { codeless } from './judge.ts';
import { minimised } from './minimise.ts';
import { Broken, type Invariant, type OpenTarget, type Outcome, type Target } from './target.ts';

export interface Failure {
  readonly invariant: Invariant;
  readonly message: string;
  /** Which input it was, counted from 0. */
  readonly index: number;
  /** The smallest known input that fails in this way. */
  readonly input: Buffer;
  /** How many inputs failed in this way. */
  count: number;
}

export interface Tally {
  inputs: number;
  accepted: number;
  /** By code. */
  readonly refused: Map<string, number>;
  /** By code. */
  readonly findings: Map<string, number>;
  readonly failures: Map<string, Failure>;
  /** Milliseconds of processor time of the slowest input, with its checks. */
  slowest: number;
}

export interface FuzzOptions {
  readonly seed: number;
  /** Number of inputs, unless the time runs out before. */
  readonly count: number;
  /** Number of the first input. Default 0. */
  readonly from?: number;
  /** `performance.now()` at which to stop. Default: never. */
  readonly until?: number;
  /** Milliseconds of processor time for one input. Default: not checked, because it means little on a busy machine. */
  readonly maxCpu?: number;
  /** Called before each input is run. */
  readonly begins?: (index: number, tally: Tally) => void;
  /** Milliseconds to minimise each failure. Default 10000. */
  readonly minimising?: number;
}

/** Most steps for each byte in or out, if the code counts steps. */
const STEPS_PER_BYTE = 16;
/** After this many inputs a target is opened again, without its used proofs and revocations: its clock stands still. */
const REOPENED_AFTER = 20_000;
/** Most ways to fail to minimise and report. */
const MAX_FAILURES = 20;

export async function fuzz(target: Target, options: FuzzOptions): Promise<Tally> {
  const { seed, count, from = 0, until = Infinity, begins } = options;
  const tally: Tally = {
    inputs: 0,
    accepted: 0,
    refused: new Map(),
    findings: new Map(),
    failures: new Map(),
    slowest: 0,
  };
  const strays = new Strays();
  let open = await target.open();
  try {
    for (let index = from; index < from + count && performance.now() < until; index += 1) {
      if (index > from && (index - from) % REOPENED_AFTER === 0) {
        await open.close?.();
        open = await target.open();
      }
      const input = open.input(diceFor(seed, target.name, index));
      begins?.(index, tally);
      tally.inputs += 1;
      const broken = await runOnce(open, input, strays, options, tally);
      if (broken) await record(tally, broken, { index, input }, open, strays, options);
    }
  } finally {
    strays.stop();
    await open.close?.();
  }
  return tally;
}

/** Runs one input again. @returns undefined where every invariant holds. */
export async function runAgain(target: Target, input: Buffer, maxCpu: number): Promise<Broken | undefined> {
  const open = await target.open();
  const strays = new Strays();
  try {
    return await runOnce(open, input, strays, { maxCpu });
  } finally {
    strays.stop();
    await open.close?.();
  }
}

async function runOnce(
  open: OpenTarget,
  input: Buffer,
  strays: Strays,
  { maxCpu = Infinity }: Pick<FuzzOptions, 'maxCpu'>,
  tally?: Tally,
): Promise<Broken | undefined> {
  try {
    const { outcome, cpu } = await timed(open, input, strays);
    const work = open.work?.();
    if (work && work.steps > STEPS_PER_BYTE * work.bytes)
      return new Broken('bounded work', `more than ${STEPS_PER_BYTE} steps for each byte`);
    // A slightly slow run may pay for the garbage of other inputs; a second slow run is caused by this input.
    if (cpu > 2 * maxCpu || (cpu > maxCpu && (await timed(open, input, strays)).cpu > maxCpu))
      return new Broken('bounded work', `more than ${maxCpu} ms of processor time`);
    if (tally) {
      tally.slowest = Math.max(tally.slowest, cpu);
      count(tally, outcome);
    }
    return undefined;
  } catch (error) {
    return error instanceof Broken ? error : codeless(error);
  }
}

/** @returns the outcome, and milliseconds of processor time. @throws Broken for uncaught errors. */
async function timed(
  open: OpenTarget,
  input: Buffer,
  strays: Strays,
): Promise<{ readonly outcome: Outcome; readonly cpu: number }> {
  const before = process.cpuUsage();
  const outcome = await open.run(input);
  const { user, system } = process.cpuUsage(before);
  // An unhandled rejection shows one turn later.
  await nextTurn();
  const stray = strays.take();
  if (stray !== undefined) throw new Broken('no crash', codeless(stray).message);
  return { outcome, cpu: (user + system) / 1_000 };
}

function count(tally: Tally, outcome: Outcome): void {
  if (outcome.kind === 'accepted') {
    tally.accepted += 1;
    return;
  }
  const codes = outcome.kind === 'refused' ? tally.refused : tally.findings;
  codes.set(outcome.code, (codes.get(outcome.code) ?? 0) + 1);
}

async function record(
  { failures }: Tally,
  { invariant, message }: Broken,
  { index, input }: Pick<Failure, 'index' | 'input'>,
  open: OpenTarget,
  strays: Strays,
  { minimising = 10_000, ...options }: FuzzOptions,
): Promise<void> {
  const key = `${invariant}: ${message}`;
  const known = failures.get(key);
  if (known) known.count += 1;
  if (known || failures.size >= MAX_FAILURES) return;
  const failsSo = async (smaller: Buffer): Promise<boolean> => {
    const again = await runOnce(open, smaller, strays, options);
    return again?.invariant === invariant && again.message === message;
  };
  // Slow inputs take too long to minimise.
  const isSlow = invariant === 'bounded work';
  const smallest = isSlow ? input : await minimised(input, failsSo, performance.now() + minimising);
  failures.set(key, { invariant, message, index, input: smallest, count: 1 });
}

/** Uncaught errors. */
class Strays {
  readonly #caught: unknown[] = [];
  readonly #catch = (error: unknown): void => void this.#caught.push(error);

  constructor() {
    process.on('uncaughtException', this.#catch).on('unhandledRejection', this.#catch);
  }

  take(): unknown {
    return this.#caught.shift();
  }

  stop(): void {
    process.off('uncaughtException', this.#catch).off('unhandledRejection', this.#catch);
  }
}
