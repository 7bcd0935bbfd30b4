import { expect } from 'chai';
import fc from 'fast-check';
import {
  chooseEmbedded,
  type Load,
  type TokenCall,
} from '../../../../src/planning/header-budget/planner/choose.ts';
import type { Weight } from '../../../../src/planning/header-budget/planner/pareto-front.ts';
import { fewestRoundTrips } from './brute-force.ts';

/** A tree as fast-check makes it. */
interface Sketch {
  readonly own: number;
  readonly probability: number;
  readonly movable: boolean;
  readonly held: number;
  readonly room: number;
  readonly children: readonly Sketch[];
}

const HELD_BYTES = [70, 30, 20];

function weightOf(sketch: Sketch, { nested, packed, embeds, moves, held }: Load, exchanged: boolean): Weight {
  const framing = (embeds ? 14 : 0) + (moves ? 15 : 0);
  const kept = HELD_BYTES.reduce((sum, bytes, bit) => sum + ((held >> bit) & 1 ? bytes : 0), 0);
  const own = sketch.own + framing + kept + (exchanged ? 12 : 0);
  return { nested: 120 + Math.ceil(((own + nested) * 4) / 3), packed: 70 + (own >> 1) + packed };
}

function callOf(sketch: Sketch): TokenCall {
  return {
    calls: sketch.children.map(callOf),
    probability: sketch.probability,
    movable: sketch.movable,
    embedding: { nested: 12, packed: 5 },
    entry: { nested: 40, packed: 9 },
    held: sketch.held,
    weigh(load, exchanged) {
      const weight = weightOf(sketch, load, exchanged);
      const bytes = load.embeds ? weight.packed * 3 : weight.nested;
      return bytes <= sketch.room || weight.nested <= sketch.room / 2 ? weight : undefined;
    },
  };
}

const sketch = (calls: number): fc.Arbitrary<Sketch> =>
  fc
    .array(
      fc.record({
        parent: fc.nat(calls),
        own: fc.integer({ min: 50, max: 400 }),
        probability: fc.constantFrom(1, 1, 0.5, 0.25, 0.3, 0.07),
        movable: fc.boolean().map((no) => !no),
        held: fc.nat(7),
        room: fc.integer({ min: 400, max: 9_000 }),
      }),
      { minLength: 1, maxLength: calls + 1, size: 'max' },
    )
    .map((rows) => {
      const children = rows.map((): Sketch[] => []);
      const nodes = rows.map((row, at): Sketch => ({ ...row, children: children[at]! }));
      for (let at = nodes.length - 1; at > 0; at--) children[rows[at]!.parent % at]!.unshift(nodes[at]!);
      return nodes[0]!;
    });

describe('which calls become exchanges', () => {
  it('takes the fewest round trips, compared with all choices, for up to 12 calls', function () {
    this.timeout(120_000);
    let solved = 0;
    let movedSome = 0;
    fc.assert(
      fc.property(sketch(12), (root) => {
        const call = callOf(root);
        const choice = chooseEmbedded(call);
        const best = fewestRoundTrips(call);
        expect(choice === undefined).to.equal(best === undefined);
        if (!choice || best === undefined) return;
        solved++;
        if (choice.moved.size > 0) movedSome++;
        expect(choice.roundTrips).to.be.closeTo(best, 1e-9);
        expect(choice.gap).to.be.closeTo(0, 1e-9);
      }),
      { numRuns: 400 },
    );
    expect(solved).to.be.greaterThan(50);
    expect(movedSome).to.be.greaterThan(20);
  });

  it('is the same each time', () => {
    fc.assert(
      fc.property(sketch(30), (root) => {
        const call = callOf(root);
        expect([...(chooseEmbedded(call)?.moved ?? [])]).to.deep.equal([
          ...(chooseEmbedded(call)?.moved ?? []),
        ]);
      }),
    );
  });

  it('is within the reported optimality gap when it does not try all choices', function () {
    this.timeout(120_000);
    let solved = 0;
    fc.assert(
      fc.property(sketch(12), (root) => {
        const call = callOf(root);
        const choice = chooseEmbedded(call, { points: 3 });
        const best = fewestRoundTrips(call);
        if (!choice || best === undefined) return;
        solved++;
        expect(choice.roundTrips).to.be.at.least(best - 1e-9);
        expect(choice.roundTrips - choice.gap).to.be.at.most(best + 1e-9);
      }),
      { numRuns: 400 },
    );
    expect(solved).to.be.greaterThan(50);
  });
});
