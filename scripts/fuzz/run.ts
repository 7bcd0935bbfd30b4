/** Runs a target in its own process. If that ends or hangs, a new process continues after the input. */
import { fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

import { diceFor } from './dice.ts';
import type { Target } from './target.ts';
import { BEGINS, type Report, type Work } from './worker.ts';

export interface RunOptions {
  readonly seed: number;
  readonly count: number;
  /** Milliseconds for this target. */
  readonly time?: number | undefined;
  readonly maxCpu: number;
  readonly reported: (report: Report) => void;
}

/** Milliseconds without a new input after which a process is ended; minimising a failure takes some time too. */
const HANGS_AFTER = 120_000;
/** Characters of a process's last output to keep: that of one that runs out of memory is long. */
const MAX_ERRORS = 20_000;
/** Stops a target that keeps ending its process. */
const MAX_DEATHS = 5;

export async function runTarget(target: Target, options: RunOptions): Promise<Report> {
  const { seed, count, time, maxCpu, reported } = options;
  const deadline = time === undefined ? undefined : performance.now() + time;
  let done: Report = { inputs: 0, accepted: 0, refused: [], findings: [], failures: [], slowest: 0 };
  for (let from = 0, deaths = 0; from < count && deaths < MAX_DEATHS;) {
    const before = done;
    const left = deadline === undefined ? {} : { time: deadline - performance.now() };
    const work = { target: target.name, seed, from, count: count - from, maxCpu, ...left };
    const ended = await runProcess(work, (report) => reported(sumOf(before, report)));
    done = sumOf(before, ended.report);
    if (ended.death === undefined || ended.last === undefined) return done;
    deaths += 1;
    from = ended.last + 1;
    done = sumOf(done, await deathOf(target, seed, ended.last, ended.death));
    if (deadline !== undefined && performance.now() > deadline) break;
  }
  return done;
}

interface Ended {
  readonly report: Report;
  /** The input that ran last; absent: none did. */
  readonly last?: number | undefined;
  /** How the process ended; absent: when it was done. */
  readonly death?: string;
}

const NOTHING: Report = { inputs: 0, accepted: 0, refused: [], findings: [], failures: [], slowest: 0 };

function runProcess(work: Work, reported: (report: Report) => void): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL('worker.ts', import.meta.url), {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc', 'pipe'],
    });
    let report = NOTHING;
    let last: number | undefined;
    let hangs = false;
    let errors = '';
    child.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => (errors = (errors + text).slice(0, MAX_ERRORS)));
    const watch = setTimeout(() => {
      hangs = true;
      child.kill('SIGKILL');
    }, HANGS_AFTER);
    createInterface({ input: child.stdio[BEGINS] as Readable }).on('line', (line) => {
      last = Number(line);
      watch.refresh();
    });
    child.on('message', (message: Report) => {
      report = message;
      reported(message);
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(watch);
      if (code === 0) return resolve({ report, last });
      const death = hangs
        ? `nothing comes back for ${HANGS_AFTER / 1_000} s`
        : [`the process ends with ${signal ?? `exit code ${code}`}`, ...errorIn(errors)].join(': ');
      // Then the fuzzer is wrong, not an input.
      if (last === undefined) return reject(new Error(`${work.target}: ${death}`));
      resolve({ report: { ...report, inputs: last - work.from + 1 }, last, death });
    });
    child.send(work);
  });
}

/** The line that names the error, from the output of the process. */
function errorIn(text: string): string[] {
  return (/^(?:\w*Error\b|FATAL ERROR).*$/m.exec(text) ?? []).slice(0, 1);
}

/** The input was lost with the process, so it is made again. */
async function deathOf(target: Target, seed: number, index: number, death: string): Promise<Report> {
  const open = await target.open();
  const input = open.input(diceFor(seed, target.name, index)).toString('base64');
  await open.close?.();
  const invariant = death.startsWith('nothing') ? ('bounded work' as const) : ('no crash' as const);
  return { ...NOTHING, failures: [{ invariant, message: death, index, input, count: 1 }] };
}

function sumOf(one: Report, other: Report): Report {
  return {
    inputs: one.inputs + other.inputs,
    accepted: one.accepted + other.accepted,
    refused: countsOf([...one.refused, ...other.refused]),
    findings: countsOf([...one.findings, ...other.findings]),
    failures: [...one.failures, ...other.failures],
    slowest: Math.max(one.slowest, other.slowest),
  };
}

function countsOf(counts: Report['refused']): Report['refused'] {
  const sums = new Map<string, number>();
  for (const [code, count] of counts) sums.set(code, (sums.get(code) ?? 0) + count);
  return [...sums];
}
