/** Whatever unfolds a tree, on graphs whose trees cannot be unfolded: words and exit 1, no stack trace. */
import { expect } from 'chai';

import { planned } from '../../../src/architect/explore/page/request/planned.ts';
import { NO_CHANGES } from '../../../src/architect/explore/page/what-if.ts';
import { isWaybillError } from '../../../src/errors.ts';
import type { Plan } from '../../../src/graph/index.ts';
import {
  adviseRequest,
  analyzeAccess,
  compileDraft,
  everyRequest,
  planRequest,
} from '../../../src/planning/index.ts';
import { removeScratch, scratchFile } from '../../support/files.ts';
import { run } from '../../support/program.ts';
import { deep, tangled } from '../../support/unlistable.ts';

const WHY = /^The calls that lead to \w+ merge scopes in too many ways, or nest tokens too deep/;

/** Without a look at its trees. */
function draftOf(file: string): Plan {
  return compileDraft([file]).draft ?? expect.fail('no draft');
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return isWaybillError(error, 'graph_invalid') ? error.message : String(error);
  }
  return 'none';
}

for (const [what, text, entry, scope, views] of [
  ['merges scopes in too many ways', tangled, 'c0_0', 'start', {}], // seconds each
  ['has a tree of 5,000 levels', deep, 's0', 's', { planRequest, adviseRequest, analyzeAccess }],
] as const) {
  describe(`a graph that ${what}`, function () {
    this.timeout(60_000);

    let plan: Plan;
    before(() => {
      plan = draftOf(scratchFile('graph.yaml', text));
    });
    after(removeScratch);

    for (const [name, view] of Object.entries(views))
      it(`is refused by ${name}`, () => {
        expect(refusal(() => view(plan, 'web', { scopes: [scope] }))).to.match(WHY);
      });

    it('has refused requests among all', () => {
      const [row, ...others] = everyRequest(plan);
      expect(others).to.deep.equal([]);
      expect(row).to.include({ client: 'web', entry, scope });
      expect(row?.refused).to.match(WHY);
    });

    it('is explored, with the reason where the tree would be', () => {
      const choice = {
        client: 'web',
        entry,
        scopes: [scope],
        selected: '',
        path: '',
        changes: NO_CHANGES,
        facts: {},
      };
      expect(planned(plan, { view: 'request', focus: 'request', ...choice }))
        .to.have.property('refused')
        .that.matches(WHY);
    });
  });
}

describe('a command about a tree of 5,000 levels', () => {
  after(removeScratch);

  for (const [command, exit] of [
    ['plan --client web --scope s', 1],
    ['plan --all', 1],
    ['draw --client web --scope s', 1],
    ['why s4999:s', 0],
  ] as const)
    it(`has words and exit ${exit} for ${command}`, async () => {
      const [name = '', ...options] = command.split(' ');
      const { code, stderr } = await run([name, scratchFile('graph.yaml', deep), ...options]);
      expect(code).to.equal(exit);
      expect(stderr)
        .to.match(/ {2}error {2}too-deep$/m)
        .and.not.match(/^ +at /m);
    });
});
