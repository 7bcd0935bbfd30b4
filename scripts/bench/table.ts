/** Prints the tables of docs/benchmarks.md from the run that is kept in results.json (`npm run bench -- --save`). */
import { readFileSync } from 'node:fs';
import { table } from '../demo/terminal.ts';
import { holds, type Figure, type Ratio } from './part.ts';
import { machineText, number, skippedLines, targetText } from './report.ts';
import { RESULTS, type MeasuredPart, type Run } from './run.ts';

export function tables({ machine, rounds, parts }: Run): string {
  return [
    `${machineText(machine)}; load ${machine.load} when it began. Medians of ${rounds} rounds.`,
    '',
    ...parts.flatMap((part) => section(part)),
  ].join('\n');
}

/** Parts of which everything is shown beside what has a target: whoever chooses between the sides wants to see them all. */
const SIDE_BY_SIDE = ['order', 'mesh'];

function section(part: MeasuredPart): string[] {
  const { name, title, ratios, figures } = part;
  const rows = ratios.flatMap((ratio) => (ratio.target ? [ratioRow(ratio)] : []));
  const sideBySide = SIDE_BY_SIDE.includes(name) ? ['', ...table(grouped(figures), [1, 2, 3, 4])] : [];
  return [
    title,
    ...[...table(rows, [1]), ...sideBySide].map((line) => (line === '' ? line : `  ${line}`)),
    ...skippedLines(part),
    '',
  ];
}

function ratioRow({ name, median, target }: Ratio): string[] {
  if (!target) throw new TypeError(`${name} has no target`);
  return [name, median.toFixed(2), targetText(target), holds(median, target) ? '' : 'missed'];
}

/** `<row>: <column>` as a table. */
function grouped(figures: readonly Figure[]): string[][] {
  const cells = figures.map(({ name, median, unit }) => {
    const [row = '', column = ''] = name.split(': ');
    return { row, column, text: `${number(median)} ${unit}`.trimEnd() };
  });
  const columns = [...new Set(cells.map(({ column }) => column))];
  const rows = [...new Set(cells.map(({ row }) => row))];
  const cell = (row: string, column: string): string =>
    cells.find((one) => one.row === row && one.column === column)?.text ?? '';
  return [['', ...columns], ...rows.map((row) => [row, ...columns.map((column) => cell(row, column))])];
}

if (import.meta.filename === process.argv[1])
  process.stdout.write(`${tables(JSON.parse(readFileSync(RESULTS, 'utf8')) as Run)}\n`);
