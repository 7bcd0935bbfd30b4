/**
 * Prints what one call of a path allocates, as JSON: node allocations.ts CHECKOUT INPUTS PATH.
 *
 * The new space is so large that nothing is collected while calls are measured, so the heap grows by their allocations.
 */
import { GCProfiler } from 'node:v8';
import { collectGarbage } from '../../bench/rounds.ts';
import { quantile } from '../../bench/spread.ts';
import { load } from '../checkout.ts';
import { hotPath } from '../hot-paths.ts';
import type { Inputs } from '../inputs.ts';
import type { Allocations } from '../kept.ts';
import type { Operation } from '../operation.ts';

const ROUNDS = 9;

async function run(operation: Operation, inputs: readonly unknown[]): Promise<void> {
  for (const input of inputs) {
    const done = operation.call(input);
    if (done instanceof Promise) await done;
  }
}

/** @throws TypeError where V8 collected garbage in between. */
async function allocations(operation: Operation, calls: number): Promise<Allocations> {
  const inputs = Array.from({ length: calls }, () => operation.input());
  collectGarbage('minor');
  collectGarbage('minor');
  const profiler = new GCProfiler();
  profiler.start();
  const before = process.memoryUsage();
  await run(operation, inputs);
  const after = process.memoryUsage();
  const collections = profiler.stop().statistics.length;
  if (collections !== 0)
    throw new TypeError(`V8 collected garbage ${collections} times: make the new space larger`);
  return {
    heap: (after.heapUsed - before.heapUsed) / calls,
    external: (after.external - before.external) / calls,
  };
}

const [folder = '', json = '', name = ''] = process.argv.slice(2);
const hot = hotPath(name);
const { warmUp, calls } = hot;
const operation = await hot.open(await load(folder), JSON.parse(json) as Inputs);
for (let done = 0; done < warmUp; done += calls) {
  await run(
    operation,
    Array.from({ length: calls }, () => operation.input()),
  );
}
const rounds: Allocations[] = [];
while (rounds.length < ROUNDS) rounds.push(await allocations(operation, calls));
const median = (of: keyof Allocations): number =>
  Math.round(
    quantile(
      rounds.map((round) => round[of]),
      0.5,
    ),
  );
process.stdout.write(JSON.stringify({ heap: median('heap'), external: median('external') }));
