import { expect } from 'chai';
import fc from 'fast-check';
import { Walk, resolveRequest, type Plan, type TokenShape } from '../../src/graph/index.ts';
import { isWaybillError } from '../../src/errors.ts';
import { HEAD, client, compileFiles, compileText, inOneLine, planOf } from '../support/compile.ts';
import {
  audienceOf,
  inYaml,
  naiveResolve,
  naiveToken,
  type NaiveToken,
  type RawGraph,
  type Resolution,
} from '../support/graphs/naive.ts';
import { graphAndRequests, randomGraph } from '../support/graphs/random.ts';

/** A shape as the naive walk would tell it: all that is shared is written out. */
function unfolded(shape: TokenShape): NaiveToken {
  return {
    service: shape.service.name,
    scope: shape.scope,
    audience: shape.audience,
    claims: shape.claims.map(({ claim, required }) => (required ? `${claim.name}!` : claim.name)),
    actor: shape.actor?.sub,
    onDemand: shape.branches.flatMap(({ mode, callee, service }) =>
      mode === 'exchange' && service ? [[callee, service.audience] as const] : [],
    ),
    embedded: shape.branches.flatMap(({ callee, shape: child }) =>
      child ? [[callee, unfolded(child)] as const] : [],
    ),
    tokens: shape.tokens,
    depth: shape.depth,
  };
}

function compiled(graph: RawGraph): Plan {
  const { plan, findings } = compileText(inYaml(graph));
  if (!plan) throw new Error(`${inYaml(graph)}\n${findings.map(inOneLine).join('\n')}`);
  return plan;
}

function resolved(
  plan: Plan,
  name: string,
  scopes: readonly string[],
  resources: readonly string[],
): Resolution {
  try {
    const { service, scopes: granted } = resolveRequest(plan, plan.clients.get(name)!, { scopes, resources });
    return { service: service.name, scopes: granted.map((scope) => scope.name) };
  } catch (error) {
    if (isWaybillError(error, 'invalid_scope', 'invalid_target')) return { error: error.code };
    throw error;
  }
}

describe('the walk', () => {
  it('makes the tree that the rules say, in every random graph, for every request', function () {
    this.timeout(120_000);
    const seen = { trees: 0, forwards: 0, onDemand: 0, deepest: 0, refused: 0 };
    fc.assert(
      fc.property(graphAndRequests, ([graph, requests]) => {
        const plan = compiled(graph);
        const walk = new Walk();
        for (const { client: name, scopes, resources } of requests) {
          const audiences = resources.map(audienceOf);
          const expected = naiveResolve(graph, name, scopes, audiences);
          expect(resolved(plan, name, scopes, audiences)).to.deep.equal(expected);
          if ('error' in expected) {
            seen.refused++;
            continue;
          }
          const service = plan.services.get(expected.service)!;
          const shape = walk.shape(
            service,
            expected.scopes.map((scope) => service.scopes.get(scope)!),
          );
          const naive = naiveToken(graph, expected.service, expected.scopes);
          expect(unfolded(shape)).to.deep.equal(naive);
          seen.trees++;
          seen.forwards += Array.isArray(naive.audience) ? 1 : 0;
          seen.onDemand += naive.onDemand.length;
          seen.deepest = Math.max(seen.deepest, naive.depth);
        }
      }),
      { numRuns: 400 },
    );
    // What was drawn must have had something of everything, or the comparison says little.
    expect(seen.trees).to.be.above(200);
    expect(seen.refused).to.be.above(100);
    expect(seen.forwards).to.be.above(10);
    expect(seen.onDemand).to.be.above(50);
    expect(seen.deepest).to.be.above(3);
  });

  it('makes what is fetched equal to what would have been embedded', () => {
    const compared = { fetched: 0, embedded: 0 };
    fc.assert(
      fc.property(randomGraph, (graph) => {
        const plan = compiled(graph);
        const walk = new Walk();
        for (const service of plan.services.values()) {
          const { branches } = walk.shape(service, [...service.scopes.values()]);
          for (const { service: callee, scopes, shape } of branches) {
            if (!callee || scopes.length === 0) continue;
            const fetched = new Walk().shape(callee, scopes, service);
            const names = scopes.map((scope) => scope.name);
            expect(unfolded(fetched)).to.deep.equal(naiveToken(graph, callee.name, names, service.name));
            compared.fetched += 1;
            if (!shape) continue;
            expect(unfolded(fetched)).to.deep.equal(unfolded(shape));
            compared.embedded += 1;
          }
        }
      }),
      { numRuns: 50 },
    );
    expect(Object.values(compared)).to.not.include(0);
  });

  it('combines the probabilities of merged calls by the largest', () => {
    const plan = planOf(`${HEAD}${client('{ a: [s, t] }')}services:
  a:
    scopes:
      s: { calls: { b: { scopes: [r], probability: 0.2 } } }
      t: { calls: { b: { scopes: [r], probability: 0.7 } } }
  b: { scopes: { r: } }
`);
    const a = plan.services.get('a')!;
    const [branch] = new Walk().shape(a, [...a.scopes.values()]).branches;
    expect(branch?.probability).to.equal(0.7);
  });

  it('names callees outside the graph and issues nothing for them', () => {
    const plan = planOf(`${HEAD}${client('{ a: [s] }')}services:
  a: { scopes: { s: { calls: { queue: { mode: none } } } } }
`);
    const a = plan.services.get('a')!;
    const shape = new Walk().shape(a, [...a.scopes.values()]);
    expect(shape.branches.map(({ callee, service, mode }) => [callee, service, mode])).to.deep.equal([
      ['queue', undefined, 'none'],
    ]);
    expect(shape.tokens).to.equal(1);
  });
});

describe('the same graph', () => {
  const parts = [
    `${HEAD}claims: { b: { value: 1 }, a: { value: 2 } }\n`,
    `waybill: 1\n${client('{ shop: [s2, s10, s1] }')}`,
    `waybill: 1
services:
  shop:
    claims: [a]
    scopes:
      s10: { claims: [b], calls: { stock: [w, r] } }
      s2: { calls: { mail: [send], stock: [r] } }
      s1: { }
`,
    `waybill: 1
services:
  mail: { scopes: { send: } }
  stock: { scopes: { r: , w: { calls: { mail: [send] } } } }
`,
  ];
  const folder = { 'a.yaml': parts[0]!, 'b/1.yaml': parts[1]!, 'b/2.yaml': parts[2]!, 'c.yaml': parts[3]! };
  const text = parts
    .map((part, at) => (at === 0 ? part : part.replace('waybill: 1\n', '')))
    .join('')
    .replace(/(services:\n[^]*)services:\n/, '$1');
  const tree = (plan: Plan | undefined): NaiveToken => {
    const shop = plan!.services.get('shop')!;
    return unfolded(new Walk().shape(shop, [...shop.scopes.values()]));
  };

  it('gives the same tree and digest in one file and in several, in the order of their paths', () => {
    const one = compileText(text);
    const several = compileFiles(folder);
    expect(several.findings).to.deep.equal(one.findings);
    expect(tree(several.plan)).to.deep.equal(tree(one.plan));
    expect(several.plan?.digest).to.equal(one.plan?.digest);
    expect(tree(one.plan).scope).to.equal('s10 s2 s1');
    expect(tree(one.plan).embedded.map(([callee]) => callee)).to.deep.equal(['stock', 'mail']);
  });

  const digest = (graph: string, variables = {}): string | undefined =>
    compileText(graph, variables).plan?.digest;
  const sameness: Readonly<Record<string, string>> = {
    'a comment': `# about it\n${text}`,
    'a key of its own': `${text}x-notes: { by: me }\n`,
    'quotes and flow': text.replace('name: test', '"name": \'test\''),
    'an anchor and an alias': text
      .replace('claims: [a]', 'claims: &c [a]')
      .replace('claims: [b]', 'claims: [b]'),
    'a variable for a value': `${text.replace('name: test', 'name: te${v}')}vars: { v: st }\n`,
    'the ends of lines': text.replaceAll('\n', '\r\n'),
  };
  for (const [change, changed] of Object.entries(sameness)) {
    it(`keeps its digest with ${change}`, () => {
      expect(digest(text)).to.match(/^[0-9a-f]{64}$/);
      expect(digest(changed)).to.equal(digest(text));
    });
  }

  const meaning: Readonly<Record<string, string>> = {
    'another name': text.replace('name: test', 'name: other'),
    'another value': text.replace('value: 1', 'value: 3'),
    'one scope less in a call': text.replace('stock: [w, r]', 'stock: [w]').replace('r: , w:', 'r: , w:'),
    'another order of callees': text.replace('mail: [send], stock: [r]', 'stock: [r], mail: [send]'),
    'another mode': text.replace('mail: [send], stock', 'mail: { scopes: [send], mode: none }, stock'),
    'another issuer': text.replace('8080', '8081'),
    'another default': text.replace('profile: envoy', 'profile: go'),
    'one more service': `${text}  more:\n`,
    'one service less': text.replace('mail: { scopes: { send: } }', 'mail: { scopes: { send: , x: } }'),
  };
  for (const [change, changed] of Object.entries(meaning)) {
    it(`has another digest with ${change}`, () => {
      expect(changed).to.not.equal(text);
      expect(digest(changed)).to.match(/^[0-9a-f]{64}$/);
      expect(digest(changed)).to.not.equal(digest(text));
    });
  }

  it('has another digest with another order of scopes whose names are numbers', () => {
    const numbered = (order: string): string =>
      `${HEAD}${client("{ a: ['1', '2'] }")}services:\n  a: { scopes: { ${order} } }\n`;
    expect(digest(numbered("'1': , '2': "))).to.not.equal(digest(numbered("'2': , '1': ")));
  });
});
