/** Runs one target for `main.ts`, which starts it: a process of its own can be ended, and its end does not end the others. */
import { writeSync } from 'node:fs';

import { fuzz, type Failure, type Tally } from './fuzz.ts';
import { targets } from './targets/index.ts';

export interface Work {
  readonly target: string;
  readonly seed: number;
  readonly from: number;
  readonly count: number;
  /** Milliseconds. Absent: until the count is reached. */
  readonly time?: number;
  readonly maxCpu: number;
}

export interface Report {
  readonly inputs: number;
  readonly accepted: number;
  readonly refused: readonly (readonly [code: string, count: number])[];
  readonly findings: readonly (readonly [code: string, count: number])[];
  readonly failures: readonly (Omit<Failure, 'input'> & { readonly input: string })[];
  readonly slowest: number;
}

/** The file descriptor to which the number of each input is written before it runs, synchronously. */
export const BEGINS = 4;
/** Milliseconds between reports. */
const REPORTED_EVERY = 1_000;

process.once('message', (work: Work) => void run(work));

async function run({ target: name, time, ...options }: Work): Promise<void> {
  const target = targets.find((one) => one.name === name);
  if (!target) throw new TypeError(`there is no target ${name}`);
  let reported = 0;
  const tally = await fuzz(target, {
    ...options,
    ...(time === undefined ? {} : { until: performance.now() + time }),
    begins(index, soFar) {
      writeSync(BEGINS, `${index}\n`);
      if (performance.now() - reported < REPORTED_EVERY) return;
      reported = performance.now();
      process.send?.(reportOf(soFar));
    },
  });
  process.send?.(reportOf(tally), () => process.exit());
}

export function reportOf(tally: Tally): Report {
  const { inputs, accepted, refused, findings, failures, slowest } = tally;
  return {
    ...{ inputs, accepted, slowest },
    refused: [...refused],
    findings: [...findings],
    failures: [...failures.values()].map((failure) => ({
      ...failure,
      input: failure.input.toString('base64'),
    })),
  };
}
