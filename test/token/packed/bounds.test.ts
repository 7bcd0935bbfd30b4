import { expect } from 'chai';
import fc from 'fast-check';

import {
  Placed,
  nestedOf,
  pack,
  packedBound,
  packedLength,
  recordBound,
  tellingPlaces,
  unpackNode,
} from '../../../src/token/index.ts';
import type { TokenNode } from '../../../src/token/index.ts';
import { issue } from '../../support/issued.ts';
import { planOf, removeScratch } from '../../support/scratch.ts';
import { readNested } from '../../../src/token/packed/nested.ts';
import { hasChildren } from '../../../src/token/packed/node.ts';
import { randomToken } from './random-trees.ts';

const seed = Date.now() % 2 ** 31;

/** Names of `readNested` are JSON; those of a planner are not. */
const plain = (name: string): string => JSON.parse(`"${Buffer.from(name, 'latin1').toString()}"`) as string;

function sumOfBounds(node: TokenNode, name = '', parent?: Placed): number {
  const own = recordBound(node, name, parent);
  if (node.kind === 'opaque' || node.payload.kind === 'raw') return own;
  const here = new Placed(name, node, parent);
  return node.payload.children.reduce(
    (sum, child) => sum + sumOfBounds(child.node, plain(child.name), here),
    own,
  );
}

const AUDIENCES = [
  'https://{}.shop.example',
  'https://{}.mail.example',
  'urn:shop:{}',
  'https://shop.example/{}',
];

/** Tokens one inside the other, whose audiences follow from their names now in this way, now in that. */
const chain = fc
  .array(fc.tuple(fc.constantFrom('cart', 'stock', 'payment', 'b'), fc.constantFrom(...AUDIENCES)), {
    minLength: 2,
    maxLength: 9,
  })
  .map((hops) =>
    hops.reduceRight((embedded, [name, audience], at) => {
      const callee = hops[at + 1]?.[0] ?? '';
      const payload = {
        iss: 'https://tokens.shop.example',
        aud: audience.replace('{}', name),
        sub: 'web',
        exp: 1_800_000_300,
        jti: `abc.${at}`,
        ...(at === 0 ? {} : { act: { sub: `spiffe://shop.example/${hops[at - 1]![0]}` } }),
        ...(embedded === '' ? {} : { embedded: { [callee]: embedded } }),
      };
      const parts = [{ alg: 'ES256', typ: 'at+jwt', kid: 'k' }, payload].map((part) => JSON.stringify(part));
      return [...parts, 's'.repeat(64)].map((part) => Buffer.from(part).toString('base64url')).join('.');
    }, ''),
  );

describe(`bounds of single tokens (seed ${seed})`, () => {
  after(removeScratch);

  it('add up to a bound of any tree', () => {
    fc.assert(
      fc.property(randomToken(3), (nested) => {
        const root = readNested(nested);
        if (hasChildren(root)) expect(packedLength(sumOfBounds(root))).to.be.at.least(packedBound(root));
      }),
      { seed, numRuns: 500 },
    );
  });

  it('are at their most below the places that tell something', () => {
    const compare = (node: TokenNode, name: string, all: Placed[], telling: Placed[]): void => {
      const most = (above: Placed[]): number =>
        Math.max(...above.map((parent) => recordBound(node, name, parent)));
      if (all.length > 0) expect(most(telling)).to.equal(most(all));
      if (!hasChildren(node)) return;
      const below = (above: Placed[]): Placed[] => [
        new Placed(name, node),
        ...above.map((parent) => new Placed(name, node, parent)),
      ];
      const [here, told] = [below(all), tellingPlaces(below(telling))];
      for (const child of node.payload.children) compare(child.node, plain(child.name), here, told);
    };
    fc.assert(
      fc.property(chain, (nested) => compare(readNested(nested), '', [], [])),
      { seed, numRuns: 300 },
    );
  });

  it('add up to little more than the tree takes, stored', async () => {
    const plan = planOf(`
waybill: 1
name: shop
issuer: { url: 'https://tokens.shop.example' }
defaults: { audience: 'https://{name}.shop.example', identity: 'spiffe://shop.example/{name}', headers: { max_line: 64KiB } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB }, default_scopes: ['order:place'], calls: { frontend: ['order:place'] } }
services:
  frontend: { scopes: { 'order:place': { calls: { cart: ['cart:read'], payment: [charge], mail: [send] } } } }
  cart: { scopes: { 'cart:read': { calls: { stock: ['stock:read'] } } } }
  payment: { scopes: { charge: { calls: { stock: ['stock:read'] } } } }
  stock: { scopes: { 'stock:read': {} } }
  mail: { scopes: { send: {} } }
`);
    const root = readNested((await issue(plan, 'web')).token);
    expect(packedLength(sumOfBounds(root))).to.be.within(packedBound(root), packedBound(root) * 1.1);
  });

  it('do not change with the children of a token', () => {
    const root = unpackNode(pack(nestedOf(readNested(tree(['leaf', leaf()])))));
    const more = unpackNode(pack(tree(['leaf', leaf()], ['more', leaf()])));
    expect(recordBound(root)).to.equal(recordBound(more));
  });
});

const part = (json: object): string => Buffer.from(JSON.stringify(json)).toString('base64url');

function leaf(...children: [string, string][]): string {
  const embedded = children.length > 0 ? { embedded: Object.fromEntries(children) } : {};
  return [part({ alg: 'ES256' }), part({ sub: 'a', ...embedded }), 'AAAA'].join('.');
}

function tree(...children: [string, string][]): string {
  return leaf(...children);
}
