/**
 * Checks that the memory of extractor, gateway and issuer does not grow: with few tokens that repeat, each as a new text,
 * with many tokens and full caches, and with both in turns. Exit 0: it does not; 1: it does, or an answer was wrong;
 * 2: wrong use.
 *
 *     npm run soak
 *     npm run soak -- --requests 200000 --seconds 600    default: 20000, 60
 *     npm run soak -- --warm-up 9000                     default: 5000
 *     npm run soak -- issuer http                        these rows alone
 *
 * Everything runs in this process, so that all memory is measured. Each row starts fresh. The warm-up requests fill the
 * caches, four times as many in the last row; after them the heap may grow by 2 MiB, measured after a forced collection.
 * The last row runs for a time, not a number of requests: the issuer behind its HTTP server, extractors, and clients whose
 * requests vary; it may grow by 16 MiB.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { positive, withArguments } from '../arguments.ts';
import { compiled } from '../bench/boutique.ts';
import { writeGraph } from '../bench/scale/graphs.ts';
import { MIB, growthOf, usedBytes } from './heap.ts';
import { openStream } from './http.ts';
import { MIXES, type Mix } from './mixes.ts';
import { openShop, type Shop } from './shop.ts';
import type { Workload } from './workload.ts';
import { exchanging, extracting } from './workloads/extractor.ts';
import { swapping } from './workloads/gateway.ts';
import { issuing } from './workloads/issuer.ts';
import { proving } from './workloads/proofs.ts';

const WORKLOADS: readonly Workload[] = [extracting, swapping, exchanging, proving, issuing];
const HTTP = 'http';
const NAMES = [...WORKLOADS.map(({ name }) => name), HTTP];

/** Bytes. */
const MOST = { workload: 2 * MIB, http: 16 * MIB };
/** The requests of the last row spread over hundreds of caches, so it takes more of them until these are full. */
const HTTP_WARM_UPS = 4;
/** Of each row, the first of them after the warm-up. */
const SAMPLES = 6;

interface Wanted {
  readonly names: readonly string[];
  readonly requests: number;
  readonly warmUp: number;
  readonly seconds: number;
}

interface Row {
  readonly name: string;
  readonly tokens: Mix | 'random';
  readonly requests: number;
  readonly samples: readonly number[];
  readonly most: number;
}

function readArguments(): Wanted {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      requests: { type: 'string', default: '20000' },
      'warm-up': { type: 'string', default: '5000' },
      seconds: { type: 'string', default: '60' },
    },
  });
  const unknown = positionals.find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw new TypeError(`no row is named ${unknown}; there are ${NAMES.join(', ')}`);
  return {
    names: positionals.length > 0 ? positionals : NAMES,
    requests: positive('requests', values.requests),
    warmUp: positive('warm-up', values['warm-up']),
    seconds: positive('seconds', values.seconds),
  };
}

async function workloadRow(workload: Workload, mix: Mix, shop: Shop, wanted: Wanted): Promise<Row> {
  const run = await workload.open(shop, mix);
  const { warmUp, requests } = wanted;
  const samples: number[] = [];
  let n = 0;
  for (let at = 0; at < SAMPLES; at += 1) {
    const until = warmUp + Math.round((at * requests) / (SAMPLES - 1));
    for (; n < until; n += 1) await run.next(n);
    samples.push(await usedBytes());
  }
  return { name: workload.name, tokens: mix, requests, samples, most: MOST.workload };
}

/** Requests and seconds are those after the warm-up. */
async function httpRow({ seconds, warmUp }: Wanted): Promise<Row> {
  const folder = mkdtempSync(path.join(tmpdir(), 'waybill-soak-'));
  const plan = compiled([writeGraph(4_000, folder, 400)]);
  rmSync(folder, { recursive: true });
  const stream = await openStream(plan);
  try {
    for (let n = 0; n < warmUp * HTTP_WARM_UPS; n += 1) await stream.next();
    const started = performance.now();
    const samples: number[] = [];
    let requests = 0;
    for (let at = 0; at < SAMPLES; at += 1) {
      const until = started + (at * seconds * 1_000) / (SAMPLES - 1);
      for (; performance.now() < until; requests += 1) await stream.next();
      samples.push(await usedBytes());
    }
    return { name: HTTP, tokens: 'random', requests, samples, most: MOST.http };
  } finally {
    await stream.close();
  }
}

const HEADINGS = ['', 'tokens', 'requests', 'at first', 'at the end', 'grown', 'at most'];

function line(cells: readonly string[]): string {
  const [name = '', tokens = '', ...numbers] = cells;
  return [name.padEnd(12), tokens.padEnd(7), ...numbers.map((text) => text.padStart(11))].join('  ');
}

function print({ name, tokens, requests, samples, most }: Row): void {
  const mib = (bytes = 0): string => `${(bytes / MIB).toFixed(1)} MiB`;
  const bytes = [samples[0], samples.at(-1), growthOf(samples), most];
  console.log(line([name, tokens, requests.toLocaleString('en'), ...bytes.map(mib)]));
}

async function* rows(wanted: Wanted): AsyncGenerator<Row> {
  const shop = await openShop();
  for (const workload of WORKLOADS.filter(({ name }) => wanted.names.includes(name)))
    for (const mix of MIXES) yield await workloadRow(workload, mix, shop, wanted);
  if (wanted.names.includes(HTTP)) yield await httpRow(wanted);
}

await withArguments(readArguments, async (wanted) => {
  console.log(line(HEADINGS));
  let growing = 0;
  for await (const row of rows(wanted)) {
    print(row);
    if (growthOf(row.samples) > row.most) growing += 1;
  }
  console.log(growing === 0 ? 'The memory holds.' : `The memory grows in ${growing} of these rows.`);
  if (growing > 0) process.exitCode = 1;
});
