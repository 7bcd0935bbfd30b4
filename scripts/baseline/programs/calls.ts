/**
 * Prints how many functions one call of a path calls, and what it reads and makes, as JSON: node calls.ts CHECKOUT INPUTS
 * PATH.
 *
 * V8 counts calls for its coverage. A function that goes on after an `await` counts as called again.
 */
import { Session, type Profiler } from 'node:inspector';
import { quantile } from '../../bench/spread.ts';
import { load } from '../checkout.ts';
import { callsIn } from '../coverage.ts';
import { hotPath } from '../hot-paths.ts';
import type { Inputs } from '../inputs.ts';
import type { Calls, Counted } from '../kept.ts';
import type { Operation, Sizes } from '../operation.ts';

/** An upper limit; caches are full by then. */
const WARM_UP = 300;
const CALLS = 9;

/** @returns calls since the last question. The inspector answers before `post` returns. */
function takeCoverage(session: Session): readonly Profiler.ScriptCoverage[] {
  let scripts: readonly Profiler.ScriptCoverage[] | undefined;
  session.post('Profiler.takePreciseCoverage', (error, answer) => {
    if (error) throw error;
    scripts = answer.result;
  });
  if (!scripts) throw new TypeError('the inspector did not answer');
  return scripts;
}

/** @param watch is called at once before the call, and at once after it. */
async function oneCall(operation: Operation, watch: () => unknown = () => undefined): Promise<Sizes> {
  const input = operation.input();
  watch();
  const done = operation.call(input);
  const output: unknown = done instanceof Promise ? await done : done;
  watch();
  return operation.sizes(input, output);
}

const [folder = '', json = '', name = ''] = process.argv.slice(2);
const hot = hotPath(name);
const operation = await hot.open(await load(folder), JSON.parse(json) as Inputs);
const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
const sizes: Sizes[] = [];
for (let done = 0; done < Math.min(WARM_UP, hot.warmUp); done += 1) sizes.push(await oneCall(operation));
const counts: Calls[] = [];
while (counts.length < CALLS) {
  let scripts: readonly Profiler.ScriptCoverage[] = [];
  sizes.push(await oneCall(operation, () => (scripts = takeCoverage(session))));
  counts.push(callsIn(scripts, folder));
}

/** Ids and signatures are random, so the size of packed tokens varies by a byte. */
const median = (values: readonly number[]): number => Math.round(quantile(values, 0.5));
const size = (of: keyof Sizes): number => median(sizes.map((one) => one[of]));
const calls = (of: keyof Calls): number => median(counts.map((one) => one[of]));
const counted: Counted = {
  sizes: { reads: size('reads'), makes: size('makes') },
  calls: {
    waybill: calls('waybill'),
    dependencies: calls('dependencies'),
    node: calls('node'),
    signatures: calls('signatures'),
    verifications: calls('verifications'),
  },
};
process.stdout.write(JSON.stringify(counted));
