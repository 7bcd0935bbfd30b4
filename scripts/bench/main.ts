/**
 * Measures Waybill beside its peers; all sides of a comparison in one run, in turns. Exit 0: measured, whatever came out;
 * 1: something went wrong; 2: wrong use.
 *
 *     npm run bench                          all parts, some minutes; with Envoy, from WAYBILL_ENVOY or the PATH
 *     npm run bench -- issue endpoint        these alone
 *     npm run bench -- --rounds 3 --ms 100   shorter; default: 7 rounds, 300 ms of CPU for each turn of a side
 *     npm run bench -- mesh --pieces         what each piece of Envoy's exported configuration costs
 *     npm run --silent bench -- --json       the run as JSON, on standard output
 *     npm run bench -- --save                writes it to scripts/bench/results.json too; docs/benchmarks.md shows it
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { positive, withArguments } from '../arguments.ts';
import { endAll } from '../demo/processes.ts';
import { endpoint } from './endpoint.ts';
import { extractors } from './extractor/extractors.ts';
import { features } from './features.ts';
import { issue } from './issue.ts';
import { thisMachine } from './machine.ts';
import { mesh } from './mesh/mesh.ts';
import { order } from './order/order.ts';
import type { Part, PartOptions } from './part.ts';
import { scale } from './scale/scale.ts';
import { report } from './report.ts';
import { RESULTS, type MeasuredPart, type Run } from './run.ts';

const PARTS: readonly Part[] = [issue, features, endpoint, extractors, order, scale, mesh];

interface Wanted extends Pick<PartOptions, 'rounds' | 'ms' | 'pieces'> {
  readonly parts: readonly Part[];
  readonly json: boolean;
  readonly save: boolean;
}

function readArguments(): Wanted {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '7' },
      ms: { type: 'string', default: '300' },
      pieces: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      save: { type: 'boolean', default: false },
    },
  });
  if (values.save && positionals.length > 0) throw new TypeError('--save keeps a run of all parts');
  if (values.pieces && positionals.join() !== mesh.name) throw new TypeError('--pieces is for `mesh` alone');
  const names = PARTS.map(({ name }) => name);
  const unknown = positionals.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new TypeError(`no part is named ${unknown}; there are ${names.join(', ')}`);
  return {
    parts: PARTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
    rounds: positive('rounds', values.rounds),
    ms: positive('ms', values.ms),
    pieces: values.pieces,
    json: values.json,
    save: values.save,
  };
}

async function measure({ parts, rounds, ms, pieces }: Wanted): Promise<Run> {
  const machine = thisMachine();
  const folder = mkdtempSync(path.join(tmpdir(), 'waybill-bench-'));
  const interrupted = async (): Promise<void> => {
    await endAll();
    rmSync(folder, { recursive: true, force: true });
    process.exit(1);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void interrupted());
  const measured: MeasuredPart[] = [];
  try {
    for (const part of parts) {
      const { name, title } = part;
      announce(`${parts.indexOf(part) + 1} of ${parts.length}: ${title}`);
      const tell = (text: string): void => progress(`${name}: ${text}`);
      measured.push({ name, title, ...(await part.run({ rounds, ms, pieces, folder, tell })) });
    }
  } finally {
    progress();
    rmSync(folder, { recursive: true });
  }
  return { machine, rounds, ms, parts: measured };
}

/** A line for each part where there is no terminal, as in a log: a run takes some minutes. */
function announce(text: string): void {
  if (!process.stderr.isTTY) process.stderr.write(`${text}\n`);
}

/** Replaces the line of the last call, on a terminal only; without text it takes it away. */
function progress(text = ''): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${text}`);
}

/** As prettier would have it, since the file belongs to the repository. */
async function save(run: Run): Promise<void> {
  const style = await resolveConfig(RESULTS);
  writeFileSync(RESULTS, await format(JSON.stringify(run), { ...style, filepath: RESULTS }));
}

await withArguments(readArguments, async (wanted) => {
  const run = await measure(wanted);
  if (wanted.save) await save(run);
  console.log(wanted.json ? JSON.stringify(run, undefined, 2) : report(run));
});
