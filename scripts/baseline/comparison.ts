/** Two measurements side by side, for people. The files have the figures one by one. */
import { table } from '../demo/terminal.ts';
import type { Baseline, Figures } from './kept.ts';

const sum = (figures: object): number =>
  Object.values(figures as Readonly<Record<string, number>>).reduce((total, figure) => total + figure, 0);

const COLUMNS: readonly (readonly [title: string, of: (figures: Figures) => number])[] = [
  ['bytes', ({ sizes }) => sum(sizes)],
  ['allocated', ({ allocations }) => sum(allocations)],
  ['calls', ({ calls: { waybill, dependencies, node } }) => waybill + dependencies + node],
  ['signatures', ({ calls: { signatures, verifications } }) => signatures + verifications],
];

/** A row for each path of `now`. */
export function comparison(before: Baseline, now: Baseline): string {
  const rows = Object.entries(now.paths).map(([name, figures]) => {
    const earlier = before.paths[name];
    return [name, ...COLUMNS.flatMap(([, of]) => cells(earlier && of(earlier), of(figures)))];
  });
  const head = [
    ['', ...COLUMNS.flatMap(([title]) => [title, '', ''])],
    ['', ...COLUMNS.flatMap(() => ['then', 'now', 'ratio'])],
  ];
  const numbers = COLUMNS.flatMap((_, at) => [3 * at + 1, 3 * at + 2, 3 * at + 3]);
  return [
    `then: ${named(before)}`,
    `now:  ${named(now)}`,
    'Of one call: bytes read and made, bytes allocated, functions called, signatures made and verified.',
    ...differences(before, now),
    '',
    ...table([...head, ...rows], numbers),
    '',
  ].join('\n');
}

function cells(before: number | undefined, now: number): string[] {
  if (before === undefined) return ['', number(now), ''];
  return [number(before), number(now), before === 0 ? '' : (now / before).toFixed(2)];
}

function number(value: number): string {
  return value.toLocaleString('en');
}

function named({ commit, node }: Baseline): string {
  return `${commit}, Node ${node}`;
}

/** Another V8, or one with other options, allocates otherwise. */
function differences(before: Baseline, now: Baseline): string[] {
  const same = before.node === now.node && String(before.flags) === String(now.flags);
  return same ? [] : ['Node or its options differ: compare sizes and signatures only.'];
}
