/**
 * Shows that issuer and extractor keep their memory, however many different clients, scopes and tokens they see. Exit 0:
 * they do; 1: they do not, or something was answered otherwise than it should be; 2: wrong use.
 *
 *     npm run soak
 *     npm run soak -- --seconds 600 --warm-up 9000    default: 60, 5000
 *
 * Everything runs in this process: the issuer with its HTTP server, the extractors, and who asks them. There are more
 * different requests than the issuer keeps plans for, and more tokens than the extractors keep. The warm-up, so many
 * requests, fills what is kept. In the seconds after it the heap may grow by 16 MiB, as it is after a forced collection.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { positive, withArguments } from '../arguments.ts';
import { writeGraph } from '../bench/scale/graphs.ts';
import { compiled } from '../bench/boutique.ts';
import { openStream, type Stream } from './stream.ts';

const MAX_GROWTH = 16 * 2 ** 20;
const SAMPLES = 12;
const MIB = 2 ** 20;

interface Sample {
  readonly seconds: number;
  readonly heap: number;
  readonly rss: number;
}

interface Wanted {
  readonly seconds: number;
  /** Requests. */
  readonly warmUp: number;
}

function readArguments(): Wanted {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      'warm-up': { type: 'string', default: '5000' },
    },
  });
  return { seconds: positive('seconds', values.seconds), warmUp: positive('warm-up', values['warm-up']) };
}

async function soak(stream: Stream, { seconds, warmUp }: Wanted): Promise<Sample[]> {
  for (let requests = 0; requests < warmUp; requests += 1) await stream.next();
  const started = performance.now();
  const samples: Sample[] = [];
  for (let at = 0; at <= SAMPLES; at += 1) {
    const until = started + (at * seconds * 1_000) / SAMPLES;
    while (performance.now() < until) await stream.next();
    const taken = sample((performance.now() - started) / 1_000);
    samples.push(taken);
    print(taken, stream);
  }
  return samples;
}

function sample(seconds: number): Sample {
  if (!globalThis.gc) throw new TypeError('start node with --expose-gc');
  globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { seconds, heap: heapUsed + external, rss };
}

function print({ seconds, heap, rss }: Sample, { counts }: Stream): void {
  const { issued, exchanged, verified, refused } = counts;
  console.log(
    `${seconds.toFixed(0).padStart(5)} s  heap ${(heap / MIB).toFixed(1)} MiB  rss ${(rss / MIB).toFixed(0)} MiB` +
      `  ${issued} issued, ${exchanged} exchanged, ${verified} verified, ${refused} refused`,
  );
}

/** From the least to the end, so that what happened to lie about at the beginning hides no slow leak. */
function growth(samples: readonly Sample[]): number {
  const heaps = samples.map(({ heap }) => heap);
  return (heaps.at(-1) ?? 0) - Math.min(...heaps);
}

await withArguments(readArguments, async (wanted) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'waybill-soak-'));
  const plan = compiled([writeGraph(4_000, folder, 400)]);
  rmSync(folder, { recursive: true });
  const stream = await openStream(plan);
  try {
    const grown = growth(await soak(stream, wanted));
    const holds = grown <= MAX_GROWTH;
    console.log(
      `${holds ? 'The memory holds' : 'The memory grows'}: ${(grown / MIB).toFixed(1)} MiB more after the warm-up, at most ${MAX_GROWTH / MIB}.`,
    );
    if (!holds) process.exitCode = 1;
  } finally {
    await stream.close();
  }
});
