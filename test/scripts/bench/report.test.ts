import { expect } from 'chai';
import { holds, type Measured } from '../../../scripts/bench/part.ts';
import { report } from '../../../scripts/bench/report.ts';
import type { Run } from '../../../scripts/bench/run.ts';
import { quantile, quotients, spreadOf } from '../../../scripts/bench/spread.ts';
import { tables } from '../../../scripts/bench/table.ts';

const machine = { cpu: 'A CPU', cores: 2, node: '20.0.0', load: 0.5 };
const of = (median: number) => ({ median, low: median, high: median });

function run(...parts: readonly (Measured & { readonly name: string; readonly title: string })[]): Run {
  return { machine, rounds: 3, ms: 10, parts };
}

const issue = {
  name: 'issue',
  title: 'Issuing',
  ratios: [
    { name: 'ours / theirs', target: { atMost: 1.12 }, ...of(1.1249) },
    { name: 'two / one', target: { atLeast: 1.7 }, ...of(1.6) },
    { name: 'theirs / bare', ...of(7.5) },
  ],
  figures: [{ name: 'ours', unit: 'µs' as const, median: 1234.5, low: 99.44, high: 9.999 }],
  notes: ['A note.'],
  skipped: ['theirs, which is not here.'],
};

describe('figures of the benchmark', () => {
  it('are medians, between two values where their number is even', () => {
    expect(spreadOf([3, 1, 2])).to.deep.equal({ median: 2, low: 1, high: 3 });
    expect(quantile([4, 1, 3, 2], 0.5)).to.equal(2.5);
    expect(quantile([1, 2, 3, 4, 5], 0.99)).to.be.closeTo(4.96, 1e-9);
    expect(() => quantile([], 0.5)).to.throw(TypeError);
  });

  it('are compared round by round', () => {
    // Of the second round everything took ten times as long; of the medians the quotient would be another.
    expect(quotients([2, 20, 3], [1, 10, 1])).to.deep.equal({ median: 2, low: 2, high: 3 });
    expect(quotients([32], [4], 4)).to.deep.equal(of(2));
  });

  it('hold a target as they are printed', () => {
    expect(holds(1.1249, { atMost: 1.12 })).to.equal(true);
    expect(holds(1.1251, { atMost: 1.12 })).to.equal(false);
    expect(holds(1.695, { atLeast: 1.7 })).to.equal(true);
    expect(holds(1.694, { atLeast: 1.7 })).to.equal(false);
  });

  it('are reported with ratios first, and their targets beside them', () => {
    expect(report(run(issue))).to.equal(`A CPU, 2 cores, Node 20.0.0, load 0.5 when it began
medians of 3 rounds, 10 ms of CPU for each turn; in brackets the lowest and the highest round

Ratios

  Issuing
    ours / theirs  1.12  [1.12 … 1.12]  at most 1.12: yes
    two / one      1.60  [1.60 … 1.60]  at least 1.7: no
    theirs / bare  7.50  [7.50 … 7.50]

Figures

  Issuing
  A note.
  Skipped: theirs, which is not here.
    ours  1,235 µs  [99.4 … 10.00]
`);
  });

  it('become tables of what has a target, and of an order side by side', () => {
    const order = {
      name: 'order',
      title: 'An order',
      ratios: [{ name: 'p50: embed / exchange', target: { atMost: 0.99 }, ...of(0.5) }],
      figures: [
        { name: 'embed: p50', unit: 'ms' as const, ...of(20) },
        { name: 'embed: token requests', unit: '' as const, ...of(1) },
        { name: 'exchange: p50', unit: 'ms' as const, ...of(40) },
        { name: 'exchange: token requests', unit: '' as const, ...of(12) },
      ],
      notes: [],
    };
    expect(tables(run(issue, order))).to
      .equal(`A CPU, 2 cores, Node 20.0.0; load 0.5 when it began. Medians of 3 rounds.

Issuing
  ours / theirs  1.12  at most 1.12
  two / one      1.60  at least 1.7  missed
  Skipped: theirs, which is not here.

An order
  p50: embed / exchange  0.50  at most 0.99

              p50  token requests
  embed     20 ms               1
  exchange  40 ms              12
`);
  });
});
