/** The printed report of a run. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { count, paint, table } from '../demo/terminal.ts';
import type { Report } from './worker.ts';

/** Characters of base64 that are printed; longer inputs go to files. */
const PRINTED = 2_000;

export function tableOf(reports: ReadonlyMap<string, Report>): string[] {
  const heading = ['target', 'inputs', 'accepted', 'refused', 'findings', 'failures', 'slowest'];
  const rows = [...reports].map(([name, { inputs, accepted, refused, findings, failures, slowest }]) => [
    name,
    ...[inputs, accepted, sum(refused), sum(findings), failures.length].map((number) =>
      number.toLocaleString('en'),
    ),
    `${Math.ceil(slowest).toLocaleString('en')} ms`,
  ]);
  return table([heading, ...rows], [1, 2, 3, 4, 5, 6]);
}

/** The codes of each target, the most frequent first. */
export function codesOf(reports: ReadonlyMap<string, Report>): string[] {
  return [...reports].map(([name, { refused, findings }]) => {
    const codes = [...refused, ...findings].sort(([, one], [, other]) => other - one);
    return `${name}: ${codes.map(([code, times]) => `${code} ${times.toLocaleString('en')}`).join(', ') || 'none'}`;
  });
}

export function failuresOf(reports: ReadonlyMap<string, Report>, seed: number): string[] {
  const folder = { path: '' };
  return [...reports].flatMap(([name, { failures }]) =>
    failures.flatMap(({ invariant, message, index, input, count: times }) => [
      '',
      `${paint.red('failure')}  ${name}: ${invariant}: ${message}`,
      `  seed ${seed}, input ${index}; ${count(times, 'input fails', 'inputs fail')} in this way`,
      ...shown(input, name, folder).map((line) => `  ${line}`),
    ]),
  );
}

/** The input, and how to run it again. */
function shown(input: string, target: string, folder: { path: string }): string[] {
  const again = `npm run fuzz -- --target ${target} --input`;
  if (input.length <= PRINTED) return [`${again} ${input === '' ? "''" : input}`];
  folder.path ||= mkdtempSync(path.join(tmpdir(), 'waybill-fuzz-'));
  const file = path.join(folder.path, `${target}-${input.length}.base64`);
  writeFileSync(file, input);
  return [
    `${input.slice(0, 60)}… (${input.length.toLocaleString('en')} characters of base64)`,
    `${again} @${file}`,
  ];
}

function sum(counts: Report['refused']): number {
  return counts.reduce((total, [, times]) => total + times, 0);
}
