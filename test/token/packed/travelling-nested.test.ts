import { expect } from 'chai';
import fc from 'fast-check';

import {
  childOf,
  isPacked,
  nestedOf,
  pack,
  packNode,
  unpack,
  unpackNode,
  type SignedNode,
  type TokenNode,
} from '../../../src/token/index.ts';
import { randomToken } from './random-trees.ts';

const seed = Date.now() % 2 ** 31;

const part = (json: object): string => Buffer.from(JSON.stringify(json)).toString('base64url');

function token(name: string, embedded?: Readonly<Record<string, string>>): string {
  const claims = { iss: 'https://tokens.shop.example', aud: `https://${name}.shop.example`, embedded };
  return [part({ alg: 'ES256', typ: 'at+jwt', kid: 'Zq3_xW8k' }), part(claims), 'A'.repeat(86)].join('.');
}

const stock = token('stock', { shelf: token('shelf') });
const cart = token('cart', { stock, 'a"b': token('odd', { shelf: token('shelf') }) });
const root = token('frontend', { cart, mail: token('mail') });

function child(node: SignedNode, name: string): SignedNode {
  const found = childOf(node, name);
  if (found?.kind !== 'signed') throw new Error(`no child ${name}`);
  return found;
}

describe(`tokens that travel nested (seed ${seed})`, () => {
  it('come back nested from a hop that packs what it sends, and only they', () => {
    const node = unpackNode(pack(root, { nestedFor: [['cart', 'stock']] }));
    const packedCart = packNode(child(node, 'cart'));
    expect(isPacked(packedCart)).to.equal(true);
    expect(packNode(child(unpackNode(packedCart), 'stock'))).to.equal(stock);
    expect(isPacked(packNode(child(unpackNode(packedCart), 'a"b')))).to.equal(true);
  });

  it('are found under any name', () => {
    const node = unpackNode(pack(root, { nestedFor: [['cart', 'a"b']] }));
    const odd = child(child(node, 'cart'), 'a"b');
    expect(packNode(odd)).to.equal(nestedOf(odd));
  });

  it('cost no byte of the stored body, and change nothing of the nested token', () => {
    const packed = pack(root, { nestedFor: [['cart'], ['cart', 'stock']] });
    expect(unpack(packed)).to.equal(root);
    expect(Math.abs(packed.length - pack(root).length)).to.be.at.most(8);
  });

  it('are not packed at all where it is the root', () => {
    expect(pack(root, { nestedFor: [[]] })).to.equal(root);
  });

  it('need no mark without children', () => {
    expect(pack(root, { nestedFor: [['mail']] })).to.equal(pack(root));
  });

  it('must be there', () => {
    expect(() => pack(root, { nestedFor: [['cart', 'nobody']] })).to.throw(TypeError, 'nestedFor');
    expect(() => pack(root, { nestedFor: [['mail', 'nobody']] })).to.throw(TypeError, 'nestedFor');
  });

  it('keep their marks through any number of hops', () => {
    let marks = 0;
    fc.assert(
      fc.property(randomToken(3), fc.func(fc.boolean()), (nested, choose) => {
        const packed = pack(nested);
        if (!isPacked(packed)) return;
        const paths = pathsOf(unpackNode(packed)).filter((path) => choose(path.join('/')));
        const marked = pack(nested, { nestedFor: paths });
        expect(unpack(marked)).to.equal(nested);
        requireMarks(unpackNode(marked), [], new Set(paths.map((path) => JSON.stringify(path))));
        marks += paths.length;
      }),
      { seed, numRuns: 100 },
    );
    expect(marks).to.be.greaterThan(20);
  });
});

function childrenOf(node: TokenNode): readonly { readonly name: string; readonly node: TokenNode }[] {
  const children = node.kind === 'signed' && node.payload.kind === 'members' ? node.payload.children : [];
  return children.map(({ name, node: below }) => ({
    name: JSON.parse(`"${Buffer.from(name, 'latin1').toString()}"`) as string,
    node: below,
  }));
}

/** Of all tokens but the root. */
function pathsOf(node: TokenNode): string[][] {
  return childrenOf(node).flatMap(({ name, node: below }) => [
    [name],
    ...pathsOf(below).map((path) => [name, ...path]),
  ]);
}

function requireMarks(node: SignedNode, path: readonly string[], marked: ReadonlySet<string>): void {
  for (const { name, node: below } of childrenOf(node)) {
    const here = [...path, name];
    if (below.kind === 'opaque' || childrenOf(below).length === 0) continue;
    const sent = packNode(below);
    expect(isPacked(sent)).to.equal(!marked.has(JSON.stringify(here)));
    requireMarks(isPacked(sent) ? unpackNode(sent) : below, here, marked);
  }
}
