/** Whatever is issued is what the graph plans; whatever has more is found. */
import { expect } from 'chai';
import fc from 'fast-check';
import { unplannedSteps } from '../../../src/planning/access/index.ts';
import { Walk, type Plan } from '../../../src/graph/index.ts';
import { unfoldTree, type TokenTree } from '../../../src/token/index.ts';
import { inYaml } from '../../support/graphs/naive.ts';
import { randomGraph } from '../../support/graphs/random.ts';
import { lineages, withLineage } from '../../support/graphs/random-with-users.ts';
import { clientOf, exchange, issuerFor } from '../../support/issuer/issue.ts';
import { planOf } from '../../support/compile.ts';

function tokensOf(tree: TokenTree): TokenTree[] {
  return [tree, ...tree.children.flatMap(tokensOf)];
}

/** The tree in which one token has other claims. */
function changed(tree: TokenTree, at: TokenTree, claims: object): TokenTree {
  const children = tree.children.map((child) => changed(child, at, claims));
  return { ...tree, children, claims: tree === at ? { ...tree.claims, ...claims } : tree.claims };
}

const unfold = (token: string): TokenTree => unfoldTree(token, { maxBytes: 1 << 24, maxTokens: 4096 });

describe('a tree held against its graph', () => {
  const seen = { trees: 0, exchanged: 0, scopes: 0, presenters: 0, claims: 0 };

  function checkChanges(plan: Plan, tree: TokenTree): void {
    for (const token of tokensOf(tree)) {
      const service = [...plan.services.values()].find(
        ({ audience }) => [token.claims.aud].flat()[0] === audience,
      );
      const scope = token.claims.scope ?? '';
      const more = changed(tree, token, { scope: `${scope} of-another` });
      expect(unplannedSteps(plan, more)).to.not.be.empty;
      seen.scopes++;
      if (token.name !== '') {
        expect(unplannedSteps(plan, changed(tree, token, { act: { sub: 'another' } }))).to.not.be.empty;
        seen.presenters++;
      }
      const names = scope.split(' ').flatMap((name) => service?.scopes.get(name) ?? []);
      const given = new Walk().body(service!, names).claims.map(({ claim }) => claim.name);
      for (const claim of ['tier', 'region', 'email', 'plan'].filter((name) => !given.includes(name))) {
        expect(unplannedSteps(plan, changed(tree, token, { [claim]: 'x' }))).to.not.be.empty;
        seen.claims++;
      }
    }
  }

  it('is planned as it is issued and exchanged, and never with a scope, a presenter or a claim more', async function () {
    this.timeout(120_000);
    await fc.assert(
      fc.asyncProperty(randomGraph, lineages, async (graph, lineage) => {
        const plan = planOf(withLineage(inYaml(graph), lineage));
        const issuer = await issuerFor(plan);
        for (const name of ['web', 'app']) {
          for (const { service, mode, scopes } of clientOf(plan, name).calls) {
            if (!service || mode === 'none') continue;
            const asked = { scopes: scopes.map((scope) => scope.name), resources: [service.audience] };
            const { token } = await issuer.issue(clientOf(plan, name), asked);
            const tree = unfold(token);
            expect(unplannedSteps(plan, tree)).to.deep.equal([]);
            seen.trees++;
            checkChanges(plan, tree);
            for (const callee of Object.keys(tree.claims.embedded ?? {}).slice(0, 2)) {
              const fetched = await exchange(issuer, service.name, token, { audiences: [callee] });
              expect(unplannedSteps(plan, unfold(fetched.token))).to.deep.equal([]);
              seen.exchanged++;
            }
          }
        }
      }),
      { numRuns: 40 },
    );
    for (const [what, count] of Object.entries(seen)) expect(count, what).to.be.above(20);
  });
});
