/**
 * Measures ten hot paths of a built checkout by figures that do not depend on the machine: sizes, allocations and calls,
 * not time. Exit 0: measured, whatever the result; 1: something went wrong; 2: wrong use.
 *
 *     npm run baseline                          this checkout, beside scripts/baseline/baseline.json
 *     npm run baseline -- issue check           these paths alone
 *     npm run baseline -- --checkout DIR        another checkout, which is built already
 *     npm run baseline -- --compare FILE        beside another file
 *     npm run baseline -- --save FILE           writes what it measured
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { withArguments } from '../arguments.ts';
import { ROOT } from '../bench/online-boutique.ts';
import { progress } from '../demo/terminal.ts';
import { comparison } from './comparison.ts';
import { NAMES, hotPath } from './hot-paths.ts';
import { KEPT, readBaseline, writeBaseline, type Baseline } from './kept.ts';
import { measure } from './measure.ts';

interface Wanted {
  readonly checkout: string;
  readonly names: readonly string[];
  readonly save: string | undefined;
  /** What it is compared with; undefined where it is only saved. */
  readonly before: Baseline | undefined;
}

function readArguments(): Wanted {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      checkout: { type: 'string', default: ROOT },
      save: { type: 'string' },
      compare: { type: 'string' },
    },
  });
  const { checkout, save, compare } = values;
  if (!existsSync(path.join(checkout, 'dist/index.js')))
    throw new TypeError(`${checkout} has no dist: build it first`);
  const file = compare ?? (save === undefined ? KEPT : undefined);
  return {
    checkout,
    names: positionals.length === 0 ? NAMES : positionals.map((name) => hotPath(name).name),
    save,
    before: file === undefined ? undefined : readBaseline(file),
  };
}

await withArguments(readArguments, async ({ checkout, names, save, before }) => {
  const now = measure(checkout, { names, tell: progress });
  progress();
  if (save !== undefined) await writeBaseline(save, now);
  if (before) console.log(comparison(before, now));
});
