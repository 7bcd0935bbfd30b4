/** What a token keeps for later, found scope by scope, is what the tokens that it leads to carry. */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  Walk,
  embeddedOrFetched,
  heldClaimsOf,
  reachableTokens,
  sortByDeclaration,
  carriedClaimsOf,
  type Plan,
  type TokenBody,
} from '../../src/graph/index.ts';
import { compileText } from '../support/compile.ts';
import { inYaml, type RawGraph } from '../support/graphs/naive.ts';
import { randomGraph } from '../support/graphs/random.ts';

/** Half of the claims are the subject's, and the last service may fetch tokens of the first: then calls have cycles. */
function planOf(graph: RawGraph, isCircular: boolean): Plan | undefined {
  const [first = '', last = ''] = [
    's0',
    Object.keys(graph.services).findLast((name) => name.startsWith('s')),
  ];
  const service = graph.services[last];
  const back = { [first]: { scopes: Object.keys(graph.services[first]!.scopes), mode: 'exchange' as const } };
  const services =
    service && last !== first && isCircular
      ? { ...graph.services, [last]: { ...service, calls: { ...service.calls, ...back } } }
      : graph.services;
  return compileText(
    inYaml({ ...graph, services })
      .replace(/^ {2}(tier|email): .*$/gm, '  $1: { from: subject, max_bytes: 20 }')
      .replace(/, (tier|email): of \w+|(?<={ )(tier|email): of \w+, /g, '')
      .replace('claims:', "subjects: { login: { issuer: 'https://login.test', audience: app } }\nclaims:")
      .replace(/^ {2}(web|app):$/gm, '  $1:\n    subjects: [login]\n    grants: [token_exchange]'),
  ).draft;
}

function everyToken(plan: Plan, walk: Walk): TokenBody[] {
  return [...plan.services.values()].flatMap((service) => {
    const scopes = [...service.scopes.values()];
    return [...scopes.map((scope) => [scope]), scopes].map((set) =>
      walk.body(service, sortByDeclaration(set)),
    );
  });
}

describe('the claims that a token keeps for later', () => {
  it('are those of the subject in all that it fetches, and what it may need is all that it leads to', () => {
    const seen = { held: 0, circular: 0 };
    fc.assert(
      fc.property(randomGraph, fc.boolean(), (graph, isCircular) => {
        const plan = planOf(graph, isCircular);
        fc.pre(plan !== undefined);
        if (isCircular) seen.circular++;
        const walk = new Walk();
        const [held, needed] = [heldClaimsOf(plan), carriedClaimsOf(plan)];
        const below = embeddedOrFetched((branch) => walk.fetched(branch));
        const carriedBy = (roots: readonly TokenBody[]): string[] => {
          const claims = [...reachableTokens(roots, below)].flatMap((body) => body.claims);
          const ofSubject = claims.filter(
            ({ claim: { source } }) => 'from' in source && source.from === 'subject',
          );
          return [...new Set(ofSubject.map(({ claim }) => claim.name))].sort();
        };
        for (const body of everyToken(plan, walk)) {
          const own = new Set(body.claims.map(({ claim }) => claim.name));
          const fetched = body.branches.flatMap((branch) => walk.fetched(branch) ?? []);
          const names = held(body).map(({ name }) => name);
          if (names.length > 0) seen.held++;
          expect(names.toSorted()).to.deep.equal(carriedBy(fetched).filter((name) => !own.has(name)));
          expect(
            needed(body)
              .map(({ name }) => name)
              .toSorted(),
          ).to.deep.equal(carriedBy([body]));
        }
      }),
      { numRuns: 200 },
    );
    expect(seen.held).to.be.above(100);
    expect(seen.circular).to.be.above(30);
  });
});
