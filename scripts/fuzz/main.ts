/**
 * Feeds changed tokens, requests, headers, proofs, key sets, graphs and traces to everyone who reads them, and holds what
 * happens against the invariants of docs/testing.md. Exit 0: they hold; 1: one does not; 2: wrong use.
 *
 *     npm run fuzz                                      every target, a minute in all
 *     npm run fuzz -- --time 30m                        or 90s, 8h
 *     npm run fuzz -- --count 100000 --target packed    this many inputs of each named target
 *     npm run fuzz -- --seed 7                          the same inputs as another run with this seed
 *     npm run fuzz -- --target packed --input BASE64    one input again; `@FILE` reads it from a file
 *
 * Each target runs in a process of its own, as many at a time as there are processors, for its share of the time.
 */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

import { withArguments } from '../arguments.ts';
import { count, onTerminal, paint, progress, say } from '../demo/terminal.ts';
import { runAgain } from './fuzz.ts';
import { codesOf, failuresOf, tableOf } from './report.ts';
import { runTarget } from './run.ts';
import type { Target } from './target.ts';
import { targets } from './targets/index.ts';
import type { Report } from './worker.ts';

/** Milliseconds of processor time for one input, with its checks. */
const MAX_CPU = 5_000;

interface Wanted {
  readonly seed: number;
  readonly count: number | undefined;
  /** Milliseconds. */
  readonly time: number | undefined;
  readonly targets: readonly Target[];
  readonly input: Buffer | undefined;
}

function readArguments(): Wanted {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      count: { type: 'string' },
      time: { type: 'string' },
      target: { type: 'string', multiple: true, default: [] },
      input: { type: 'string' },
    },
  });
  const unknown = values.target.filter((name) => !targets.some((target) => target.name === name));
  if (unknown.length > 0) throw new TypeError(`There is no target ${unknown.join(', ')}. ${known()}`);
  const wanted = targets.filter(({ name }) => values.target.length === 0 || values.target.includes(name));
  if (values.input !== undefined && wanted.length !== 1)
    throw new TypeError('--input belongs to one --target.');
  return {
    seed: values.seed === undefined ? randomInt(2 ** 31) : whole('seed', values.seed),
    count: values.count === undefined ? undefined : whole('count', values.count),
    time: values.time === undefined ? undefined : milliseconds(values.time),
    targets: wanted,
    input: values.input === undefined ? undefined : inputOf(values.input),
  };
}

function known(): string {
  return `Known:\n${targets.map(({ name, reads }) => `  ${name.padEnd(14)}${reads}`).join('\n')}`;
}

function whole(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw new TypeError(`--${option} takes a whole number of at most nine digits.`);
  return Number(text);
}

function milliseconds(text: string): number {
  const [, number = '', unit = ''] = /^([1-9]\d{0,5})(s|m|h)$/.exec(text) ?? [];
  if (number === '') throw new TypeError('--time takes a time such as 90s, 30m or 8h.');
  return Number(number) * { s: 1_000, m: 60_000, h: 3_600_000 }[unit as 's' | 'm' | 'h'];
}

function inputOf(text: string): Buffer {
  return Buffer.from(text.startsWith('@') ? readFileSync(text.slice(1), 'utf8') : text, 'base64');
}

async function again(target: Target, input: Buffer): Promise<void> {
  const broken = await runAgain(target, input, MAX_CPU);
  say(broken ? `${paint.red('failure')}  ${broken.invariant}: ${broken.message}` : 'Every invariant holds.');
  // A target that failed may have left a server open.
  process.exit(broken ? 1 : 0);
}

/** As many at a time as there are processors, in the order of the table. */
async function runAll({ seed, count: inputs, time, targets: wanted }: Wanted): Promise<Map<string, Report>> {
  const processes = Math.min(availableParallelism(), wanted.length);
  const whole = time ?? (inputs === undefined ? 60_000 : undefined);
  const share = whole === undefined ? undefined : (whole * processes) / wanted.length;
  const reports = new Map<string, Report>(wanted.map(({ name }) => [name, EMPTY]));
  const waiting = [...wanted];
  const work = async (): Promise<void> => {
    for (let target = waiting.shift(); target; target = waiting.shift()) {
      const { name } = target;
      const reported = (report: Report): void => {
        reports.set(name, report);
        progress(progressOf(reports));
      };
      reported(
        await runTarget(target, {
          seed,
          count: inputs ?? Number.MAX_SAFE_INTEGER,
          time: share,
          maxCpu: MAX_CPU,
          reported,
        }),
      );
      if (!onTerminal) say(`${name}: ${count(reports.get(name)?.inputs ?? 0, 'input')}`);
    }
  };
  await Promise.all(Array.from({ length: processes }, work));
  progress();
  return reports;
}

const EMPTY: Report = { inputs: 0, accepted: 0, refused: [], findings: [], failures: [], slowest: 0 };

function progressOf(reports: ReadonlyMap<string, Report>): string {
  const all = [...reports.values()];
  const inputs = all.reduce((sum, report) => sum + report.inputs, 0);
  const failures = all.reduce((sum, report) => sum + report.failures.length, 0);
  return `${count(inputs, 'input')}, ${count(failures, 'failure')}`;
}

await withArguments(readArguments, async (wanted) => {
  const [only] = wanted.targets;
  if (wanted.input && only) return again(only, wanted.input);
  say(`seed ${wanted.seed}`);
  const reports = await runAll(wanted);
  say('', ...tableOf(reports), '', ...codesOf(reports), ...failuresOf(reports, wanted.seed));
  const idle = [...reports].filter(([, { inputs }]) => inputs === 0).map(([name]) => name);
  const holds = [...reports.values()].every(({ failures }) => failures.length === 0);
  const verdict =
    idle.length > 0
      ? `No input ran: ${idle.join(', ')}.`
      : holds
        ? 'Every invariant holds.'
        : 'An invariant does not hold.';
  say('', `${progressOf(reports)}. ${verdict}`);
  if (!holds || idle.length > 0) process.exitCode = 1;
});
