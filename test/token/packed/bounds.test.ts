import { expect } from 'chai';
import fc from 'fast-check';

import {
  TokenPosition,
  nestedOf,
  pack,
  packedBound,
  packedLength,
  recordBound,
  unpackNode,
  type TokenNode,
} from '../../../src/token/index.ts';
import { issue } from '../../support/issuer/issue.ts';
import { planOf } from '../../support/compile.ts';
import { readNested } from '../../../src/token/packed/nested.ts';
import { hasChildren } from '../../../src/token/packed/node.ts';
import { randomToken } from './random-trees.ts';

const seed = Date.now() % 2 ** 31;

/** Names of `readNested` are JSON; those of a planner are not. */
const plain = (name: string): string => JSON.parse(`"${Buffer.from(name, 'latin1').toString()}"`) as string;

function sumOfBounds(node: TokenNode, name = '', parent?: TokenPosition): number {
  const own = recordBound(node, name, parent);
  if (node.kind === 'opaque' || node.payload.kind === 'raw') return own;
  const here = new TokenPosition(name, node, parent);
  return node.payload.children.reduce(
    (sum, child) => sum + sumOfBounds(child.node, plain(child.name), here),
    own,
  );
}

describe(`bounds of single tokens (seed ${seed})`, () => {
  it('add up to a bound of any tree', () => {
    let compared = 0;
    fc.assert(
      fc.property(randomToken(3), (nested) => {
        const root = readNested(nested);
        if (!hasChildren(root)) return;
        expect(packedLength(sumOfBounds(root))).to.be.at.least(packedBound(root));
        compared += 1;
      }),
      { seed, numRuns: 500 },
    );
    expect(compared).to.be.above(80);
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
