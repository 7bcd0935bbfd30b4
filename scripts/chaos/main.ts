/**
 * Does harm to real issuers and a real Redis while clients use them, and checks the outcome of every request against
 * the promises. Exit 0: every promise is kept; 1: one is not, or an injection had no effect; 2: wrong use; 130 or 143:
 * stopped by Ctrl-C or SIGTERM, with everything undone.
 *
 *     npm run chaos                                    every scenario, for some minutes
 *     npm run chaos -- --short                         each as short as it can be, as in CI
 *     npm run chaos -- --scenario 'Redis hung'         this one; may be given more than once
 *     npm run chaos -- --write                         puts the table into docs/chaos-results.md
 *     npm run chaos -- --without-injection             nothing is harmed, and every scenario must fail for it
 *
 * A scenario whose programs are not installed is reported as skipped; with CI=true that is a failure. Linux only.
 */
import { parseArgs } from 'node:util';
import { withArguments } from '../arguments.ts';
import { progress, say } from '../demo/terminal.ts';
import { linesOf, tableOf, writePage } from './report.ts';
import { RunStopped, runScenario, type Result } from './run.ts';
import { scenarios } from './scenarios/index.ts';
import { stoppable } from './stoppable.ts';

function readArguments() {
  const { values } = parseArgs({
    options: {
      short: { type: 'boolean', default: false },
      scenario: { type: 'string', multiple: true, default: [] },
      write: { type: 'boolean', default: false },
      'without-injection': { type: 'boolean', default: false },
    },
  });
  const known = scenarios.map(({ name }) => name);
  const unknown = values.scenario.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new TypeError(`There is no scenario ${unknown.join(', ')}. Known:\n  ${known.join('\n  ')}`);
  if (values.write && (values.short || values.scenario.length > 0))
    throw new TypeError('--write belongs to a long run of every scenario.');
  return {
    isShort: values.short,
    injects: !values['without-injection'],
    isWritten: values.write,
    wanted: scenarios.filter(({ name }) => values.scenario.length === 0 || values.scenario.includes(name)),
  };
}

await withArguments(readArguments, async ({ wanted, isWritten, ...options }) => {
  const results = await stoppable(async (stopped) => {
    const ended: Result[] = [];
    try {
      for (const scenario of wanted) {
        progress(scenario.name);
        const result = await runScenario(scenario, options, stopped);
        progress();
        say(...linesOf(result));
        ended.push(result);
      }
    } catch (error) {
      progress();
      if (!(error instanceof RunStopped)) throw error;
      say('', `The run was stopped. ${ended.length} of ${wanted.length} scenarios had come to their end.`);
    }
    return ended;
  });
  say('', ...tableOf(results), '');
  const isFailure = ({ outcome }: Result): boolean =>
    outcome === 'broken' || (outcome === 'skipped' && process.env['CI'] === 'true');
  const failed = results.filter(isFailure).map(({ name }) => name);
  say(failed.length === 0 ? 'Every promise is kept.' : `Not kept, or not shown: ${failed.join(', ')}.`);
  if (failed.length > 0) process.exitCode = 1;
  else if (isWritten) await writePage(results);
});
