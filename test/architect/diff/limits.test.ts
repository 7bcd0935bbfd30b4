/** A graph whose tokens cannot be listed is refused in words, whichever side it is on. */
import { expect } from 'chai';
import { diffGraphs } from '../../../src/architect/diff/index.ts';
import { isWaybillError } from '../../../src/errors.ts';
import type { Plan } from '../../../src/graph/index.ts';
import { compileDraft } from '../../../src/planning/index.ts';
import { removeScratch, scratchFile, withFolder } from '../../support/files.ts';
import { run } from '../../support/program.ts';
import { deep, small, tangled } from '../../support/unlistable.ts';

/** Without a look at its trees, as the command reads it. */
function draftOf(text: string): Plan {
  const { draft } = withFolder({ 'graph.yaml': text }, (folder) => compileDraft([folder]));
  return draft ?? expect.fail('no draft');
}

function refusal(older: Plan, newer: Plan): string {
  try {
    diffGraphs(older, newer);
  } catch (error) {
    return isWaybillError(error, 'graph_invalid') ? error.message : String(error);
  }
  return 'none';
}

describe('the comparison with a graph that', () => {
  after(removeScratch);

  it('merges scopes in more ways than can be held says so', function () {
    this.timeout(60_000);
    expect(refusal(draftOf(tangled), draftOf(small))).to.match(
      /^The older graph cannot be compared: the calls that lead to \w+ merge/,
    );
  });

  it('has a tree of 5,000 levels says so', () => {
    expect(refusal(draftOf(small), draftOf(deep))).to.match(/^The newer graph cannot be compared/);
  });

  it('has a tree of 5,000 levels ends the command with exit 1', async () => {
    const [large, other] = [scratchFile('large.yaml', deep), scratchFile('small.yaml', small)];
    const { code, stdout, stderr } = await run(['diff', large, other]);
    expect([code, stdout]).to.deep.equal([1, '']);
    expect(stderr).to.match(/^error {2}graph_invalid {2}The older graph cannot be compared/);
  });
});
