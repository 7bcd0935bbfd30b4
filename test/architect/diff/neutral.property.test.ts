/** A comparison is neutral exactly if the same is issued to the same. */
import { expect } from 'chai';
import fc from 'fast-check';
import { diffGraphs } from '../../../src/architect/diff/index.ts';
import type { Plan } from '../../../src/graph/index.ts';
import { compileText } from '../../support/compile.ts';
import { randomGraph } from '../../support/graphs/random.ts';
import { edited, edits, yamlOf } from './edited-graphs.ts';
import { authorityOf, type DressedGraph } from './same-authority.ts';

function planOf(dressed: DressedGraph): Plan | undefined {
  return compileText(yamlOf(dressed)).plan;
}

describe('a comparison of two random graphs', () => {
  it('is neutral exactly if every tree is the same, and so is who may ask, exchange and call', function () {
    this.timeout(300_000);
    const seen = { same: 0, different: 0 };
    fc.assert(
      fc.property(randomGraph, edits, (graph, changes) => {
        const before: DressedGraph = { graph, lifetimes: {}, checking: [], opaque: [] };
        const after = changes.reduce(edited, before);
        const [older, newer] = [planOf(before), planOf(after)];
        fc.pre(older !== undefined && newer !== undefined);
        const isSame = authorityOf(before) === authorityOf(after);
        const diff = diffGraphs(older, newer);
        if (isSame) seen.same++;
        else seen.different++;
        expect(diff.verdict === 'neutral', JSON.stringify(diff.changes, null, 1)).to.equal(isSame);
        // Back again what widened narrows, and the other way round, or something was replaced.
        const back = diffGraphs(newer, older);
        expect(back.verdict === 'neutral').to.equal(isSame);
      }),
      { numRuns: 200 },
    );
    expect(seen.same).to.be.above(20);
    expect(seen.different).to.be.above(60);
  });
});
