/** The table of a run, for a terminal and for the page that is kept. */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { paint, table } from '../demo/terminal.ts';
import type { Result } from './run.ts';

const PAGE = path.resolve(import.meta.dirname, '../../docs/chaos-results.md');
const [BEGIN, END] = ['<!-- written by npm run chaos -- --write -->', '<!-- end -->'];

export function linesOf(result: Result): string[] {
  const { name, outcome, injected, seen, faults } = result;
  const colour = { kept: paint.green, broken: paint.red, skipped: paint.yellow }[outcome];
  return [
    `${colour(outcome.padEnd(7))}  ${paint.bold(name)}: ${seen}`,
    ...injected.map((proof) => `         injected: ${proof}`),
    ...faults.map((fault) => `         ${fault}`),
  ];
}

export function tableOf(results: readonly Result[]): string[] {
  const heading = [
    'scenario',
    'promise',
    'sent',
    'answered',
    'told an error',
    'lost with process',
    'lost',
    'wrongly accepted',
  ];
  const rows = results.map((result) => [result.name, result.outcome, ...countsOf(result)]);
  return table([heading, ...rows], [2, 3, 4, 5, 6, 7]);
}

/** Replaces the table of the page. */
export async function writePage(results: readonly Result[]): Promise<void> {
  const cells = results.map((result) => [
    result.name,
    result.promise,
    `${result.injected.join('; ')}. ${result.seen}`,
    ...countsOf(result),
  ]);
  const heading = [
    ...['scenario', 'promise', 'injected, and seen', 'sent', 'answered', 'told an error'],
    ...['lost with a killed process', 'lost', 'wrongly accepted'],
  ];
  const right = heading.map((_, index) => (index > 2 ? '--:' : '---'));
  const rows = [heading, right, ...cells].map((row) => `| ${row.join(' | ')} |`);
  const processors = `Node ${process.versions.node}, ${availableParallelism()} processors.`;
  const before = readFileSync(PAGE, 'utf8');
  const [start, end] = [before.indexOf(BEGIN) + BEGIN.length, before.indexOf(END)];
  const text = `${before.slice(0, start)}\n\n${rows.join('\n')}\n\n${processors}\n\n${before.slice(end)}`;
  writeFileSync(PAGE, await format(text, { ...(await resolveConfig(PAGE)), filepath: PAGE }));
}

function countsOf({ sent, answered, told, lostWithProcess, lost, wrong }: Result): string[] {
  const toldAll = [...told.values()].reduce((sum, times) => sum + times, 0);
  return [sent, answered, toldAll, lostWithProcess, lost, wrong].map((number) => number.toLocaleString('en'));
}
