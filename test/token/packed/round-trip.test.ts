import { expect } from 'chai';
import fc from 'fast-check';

import {
  childOf,
  isPacked,
  nestedOf,
  pack,
  packNode,
  packedBound,
  unpack,
  unpackNode,
  type SignedNode,
} from '../../../src/token/index.ts';
import { readNested } from '../../../src/token/packed/nested.ts';
import { randomToken } from './random-trees.ts';
import { readFromThePage } from './specification/reader.ts';

const seed = Date.now() % 2 ** 31;

describe(`the packed coding on random tokens (seed ${seed})`, () => {
  it('gives back what was packed, byte for byte', () => {
    let packedOnes = 0;
    fc.assert(
      fc.property(randomToken(3), (nested) => {
        const packed = pack(nested);
        if (isPacked(packed)) packedOnes += 1;
        else expect(packed).to.equal(nested);
        expect(unpack(packed)).to.equal(nested);
      }),
      { seed, numRuns: 400 },
    );
    expect(packedOnes).to.be.greaterThan(80);
  });

  it('stores a body that does not get shorter', () => {
    const [header, signature] = ['{}', '7'.repeat(64)].map((part) => Buffer.from(part).toString('base64url'));
    const nestedWith = (child: string): string =>
      `${header}.${Buffer.from(`{"embedded":{"#7!":"${child}"}}`).toString('base64url')}.${signature}`;
    const isDeflated = (nested: string): boolean =>
      Buffer.from(pack(nested).slice(4), 'base64url')[0]! % 2 === 1;
    expect(isDeflated(nestedWith('%Kv2~Q'))).to.equal(false);
    expect(isDeflated(nestedWith('%%%%%%%%%%%%%%%%%%%%'))).to.equal(true);
  });

  it('gives back any string at all', () => {
    const anything = fc.string({ unit: 'binary' }).filter((text) => !isPacked(text));
    fc.assert(
      fc.property(anything, (text) => {
        expect(unpack(pack(text))).to.equal(text);
      }),
      { seed, numRuns: 300 },
    );
  });

  it('never takes more than its bound, nor much more than the nested token', () => {
    fc.assert(
      fc.property(randomToken(3), (nested) => {
        const packed = pack(nested);
        expect(packed.length).to.be.at.most(packedBound(readNested(nested)));
        expect(packed.length).to.be.at.most(nested.length * 1.05 + 64);
      }),
      { seed, numRuns: 150 },
    );
  });

  it('lets a hop take any child out, and send it on as if it had packed the nested child', () => {
    let taken = 0;
    fc.assert(
      fc.property(randomToken(3), (nested) => {
        const packed = pack(nested);
        if (isPacked(packed)) taken += requireChildren(unpackNode(packed));
      }),
      { seed, numRuns: 150 },
    );
    expect(taken).to.be.greaterThan(30);
  });

  it('schemas/packed.md: a reader written from the page alone unpacks the same', () => {
    let read = 0;
    fc.assert(
      fc.property(randomToken(2), (nested) => {
        const packed = pack(nested);
        if (!isPacked(packed)) return;
        expect(readFromThePage(packed)).to.equal(nested);
        read += 1;
      }),
      { seed, numRuns: 150 },
    );
    expect(read).to.be.greaterThan(30);
  });
});

/** @returns how many were taken out. */
function requireChildren(node: SignedNode): number {
  // Blanks in the JSON, say: such a payload is carried whole, and its children with it.
  if (node.payload.kind === 'raw' || node.payload.children.length === 0) return 0;
  const [, payload = ''] = nestedOf(node).split('.');
  const { embedded = {} } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
    embedded?: Record<string, string>;
  };
  let taken = 0;
  for (const [name, token] of Object.entries(embedded)) {
    const child = childOf(node, name);
    if (child === undefined) {
      expect(token, name).to.match(/["\\]|[^ -~]/);
      continue;
    }
    expect(nestedOf(child)).to.equal(token);
    expect(child.length).to.equal(token.length);
    taken += 1;
    if (isPacked(token)) continue;
    expect(packNode(child)).to.equal(pack(token));
    if (child.kind === 'signed') taken += requireChildren(child);
  }
  return taken;
}
