import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { compileGraph } from '../../../src/planning/compile.ts';
import {
  pack,
  packedBound,
  unpack,
  unsignedNode,
  type SignedNode,
  type TokenNode,
} from '../../../src/token/index.ts';
import { issue } from '../../support/issuer/issue.ts';
import { tokensOf, type IssuedToken } from '../../support/issuer/trees.ts';
import { draftOf, planOf } from '../../support/compile.ts';
import { withLineage } from '../../support/graphs/random-with-users.ts';
import { readNested } from '../../../src/token/packed/nested.ts';
import { shippedGraphs } from '../../support/graphs/shipped.ts';

const graphs = fileURLToPath(new URL('../../../graphs', import.meta.url));

/** Bytes of a token as a multiple of its signatures', 64 bytes each as base64url. */
function timesFloor(token: string, tokens: number): number {
  return token.length / ((tokens * 64 * 4) / 3);
}

interface Tree {
  readonly title: string;
  readonly tokens: number;
  readonly nested: () => Promise<string>;
  /** The same tree, in which every token has the whole chain of its actors. */
  readonly withChains: () => Promise<string>;
}

/** The largest single request of a graph and all scopes of its largest entry. */
function treesOf(file: string): Tree[] {
  const { plan, trees } = compileGraph([`${graphs}/${file}`]);
  if (!plan) throw new Error(`${file} has errors`);
  return (['scope', 'entry'] as const).flatMap((what) => {
    const [largest] = trees
      .filter((tree) => tree.what === what)
      .sort((a, b) => b.shape.tokens - a.shape.tokens);
    if (!largest) return [];
    const { client, shape } = largest;
    const scopes = shape.scopes.map(({ name }) => name);
    const asked = [client.name, scopes, [shape.service.audience]] as const;
    const nested = async () => (await issue(plan, ...asked)).token;
    const withChains = async () => {
      const text = readFileSync(`${graphs}/${file}`, 'utf8');
      return (await issue(draftOf(withLineage(text, 'full')), ...asked)).token;
    };
    return [
      {
        title: `${plan.name}, ${what === 'scope' ? scopes.join(' ') : 'all scopes'}`,
        tokens: shape.tokens,
        nested,
        withChains,
      },
    ];
  });
}

/** What the coding promises: a multiple of the floor. */
const PROMISED: Readonly<Record<string, number>> = {
  'online-boutique, checkout': 1.2,
  'online-boutique, all scopes': 1.25,
  'otel-demo, checkout': 1.2,
  'otel-demo, all scopes': 1.18,
  'a chain of ten': 1.25,
};

function chain(): string {
  const names = [
    'edge',
    'orders',
    'prices',
    'rebates',
    'loyalty',
    'members',
    'consent',
    'regions',
    'calendar',
    'archive',
  ];
  const services = names.map((name, i) => {
    const next = names[i + 1];
    return `  ${name}: { scopes: { '${name}:read': ${next === undefined ? '{}' : `{ calls: { ${next}: ['${next}:read'] } }`} } }`;
  });
  return `
waybill: 1
name: chain
issuer: { url: 'https://id.corp.example' }
defaults: { audience: 'https://{name}.corp.example', identity: 'spiffe://corp.example/{name}', headers: { max_line: 64KiB } }
clients:
  portal: { auth: { method: client_secret_basic, secret_env: PORTAL }, default_scopes: ['edge:read'], calls: { edge: ['edge:read'] } }
services:
${services.join('\n')}
`;
}

/** The same token, put together as a planner does that has no key. */
function planned(token: IssuedToken, tokens: readonly IssuedToken[]): SignedNode {
  const { embedded = {}, ...claims } = token.payload;
  const children = Object.keys(embedded).map((name): [string, TokenNode] => {
    const child = tokens.find(({ parent, path }) => parent === token && path.at(-1) === name);
    if (!child) throw new Error(`no child ${name}`);
    return [name, planned(child, tokens)];
  });
  return unsignedNode(JSON.stringify(token.header), claims, children, '\0'.repeat(64));
}

describe('the size of packed trees', () => {
  const files = shippedGraphs();
  const trees: Tree[] = [
    ...files.flatMap(treesOf),
    {
      title: 'a chain of ten',
      tokens: 10,
      nested: async () => (await issue(planOf(chain()), 'portal')).token,
      withChains: async () => (await issue(draftOf(withLineage(chain(), 'full')), 'portal')).token,
    },
  ];

  for (const { title, tokens, nested: issued, withChains } of trees) {
    const most = PROMISED[title] ?? 1.4;
    it(`${title}: ${tokens} tokens in at most ${most} times their signatures`, async () => {
      const nested = await issued();
      const packed = pack(nested);
      expect(unpack(packed)).to.equal(nested);
      expect(timesFloor(packed, tokens)).to.be.at.most(most);
    });

    it(`${title}: the chain of every token takes at most two bytes a token (L1)`, async () => {
      const chained = await withChains();
      const [root, child] = tokensOf(chained);
      expect(child?.payload.act?.act).to.deep.equal({ sub: root?.payload.client_id });
      const packed = pack(chained);
      expect(unpack(packed)).to.equal(chained);
      expect(packed.length - pack(await issued()).length).to.be.at.most((2 * tokens * 4) / 3 + 2);
    });

    it(`${title}: the bound holds, and is known before anything is signed`, async () => {
      const nested = await issued();
      const all = tokensOf(nested);
      const root = planned(all[0]!, all);
      expect(root.length).to.equal(nested.length);
      expect(packedBound(root)).to.equal(packedBound(readNested(nested)));
      expect(pack(nested).length).to.be.at.most(packedBound(root));
      expect(timesFloor('x'.repeat(packedBound(root)), tokens)).to.be.at.most(2);
    });
  }

  it('covers every tree for which a size is promised', () => {
    expect(trees.map(({ title }) => title)).to.include.members(Object.keys(PROMISED));
  });

  it('a bound grows with its values: a longer claim, a longer scope, a child more', () => {
    const node = (email: string, scope: string, children: readonly (readonly [string, TokenNode])[]) =>
      unsignedNode(
        JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: 'Zq3_xW8k' }),
        { iss: 'https://a.example', scope, email },
        children,
        '\0'.repeat(64),
      );
    const leaf = node('', 'x', []);
    const base = packedBound(node('a', 'x', [['leaf', leaf]]));
    expect(packedBound(node('a'.repeat(65), 'x', [['leaf', leaf]]))).to.be.at.least(base + 64);
    expect(packedBound(node('a', 'x'.repeat(65), [['leaf', leaf]]))).to.be.at.least(base + 64);
    expect(
      packedBound(
        node('a', 'x', [
          ['leaf', leaf],
          ['more', leaf],
        ]),
      ),
    ).to.be.at.least(base + 85);
  });

  it('a token without children travels bare, and is as long as it is', () => {
    const leaf = unsignedNode('{"alg":"ES256"}', { sub: 'caf\u00e9' }, [], '\0'.repeat(64));
    expect(packedBound(leaf)).to.equal(leaf.length);
  });
});
