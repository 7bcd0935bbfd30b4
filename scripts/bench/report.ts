/** A run as people read it: ratios and their targets first, then what they were made of. */
import { holds, type Figure, type Measured, type Ratio, type Target } from './part.ts';
import type { Run } from './run.ts';
import type { Machine } from './machine.ts';
import { table } from '../demo/terminal.ts';

export function report({ machine, rounds, ms, parts }: Run): string {
  return [
    `${machineText(machine)}, load ${machine.load} when it began`,
    `medians of ${rounds} rounds, ${ms} ms of CPU for each turn; in brackets the lowest and the highest round`,
    '',
    'Ratios',
    ...parts.flatMap((part) => ['', `  ${part.title}`, ...indented(ratioRows(part.ratios))]),
    '',
    'Figures',
    ...parts.flatMap((part) => [
      '',
      `  ${part.title}`,
      ...part.notes.map((note) => `  ${note}`),
      ...skippedLines(part),
      ...indented(figureRows(part.figures)),
    ]),
    '',
  ].join('\n');
}

export function machineText({ cpu, cores, node }: Machine): string {
  return `${cpu}, ${cores} cores, Node ${node}`;
}

export function targetText(target: Target): string {
  return 'atMost' in target ? `at most ${target.atMost}` : `at least ${target.atLeast}`;
}

/** A side that is not there must not look as if it had been forgotten. */
export function skippedLines({ skipped = [] }: Measured): string[] {
  return skipped.map((text) => `  Skipped: ${text}`);
}

function ratioRows(ratios: readonly Ratio[]): string[] {
  return table(
    ratios.map(({ name, median, low, high, target }) => [
      name,
      median.toFixed(2),
      `[${low.toFixed(2)} … ${high.toFixed(2)}]`,
      target ? `${targetText(target)}: ${holds(median, target) ? 'yes' : 'no'}` : '',
    ]),
    [1],
  );
}

function figureRows(figures: readonly Figure[]): string[] {
  return table(
    figures.map(({ name, unit, median, low, high }) => [
      name,
      `${number(median)} ${unit}`.trimEnd(),
      `[${number(low)} … ${number(high)}]`,
    ]),
    [1],
  );
}

/** Three digits are what the rounds agree on at best; what is counted has no fraction. */
export function number(value: number): string {
  const digits = Number.isInteger(value) || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `    ${line}`);
}
