/** Handles: bounded memory, an end, and nothing to guess. */
import { expect } from 'chai';

import { Handles } from '../../src/mesh/handles.ts';
import { heldBytes, pieceOf } from '../memory/heap.ts';

const MIB = 2 ** 20;
const header = (n: number) => `Bearer ${String(n).padStart(20, 'a')}${'x'.repeat(2_000)}`;

describe('Handles of a sidecar', function () {
  this.timeout(60_000);

  it('stand for the header of a request until its token expires', () => {
    let now = 1_000;
    const handles = new Handles(() => now, MIB);
    const handle = handles.headerFor(header(1), 1_010);
    expect(handle).to.match(/^Bearer wbh_[\w-]{29}$/);
    now = 1_009;
    expect(handles.resolve(handle)).to.equal(header(1));
    expect(handles.resolve(handle.replace('Bearer', 'bearer'))).to.equal(header(1));
    now = 1_010;
    expect(handles.resolve(handle)).to.equal(undefined);
  });

  it('are the same for the same token, and different for each other one', () => {
    const handles = new Handles(() => 0, 10 * MIB);
    const all = new Set(Array.from({ length: 1_000 }, (_, n) => handles.headerFor(header(n), 10)));
    expect(all.size).to.equal(1_000);
    expect(handles.headerFor(header(7), 10)).to.equal([...all][7]);
    expect(handles.state.count).to.equal(1_000);
  });

  it('forget the one that was used least recently where memory is full, and count it', () => {
    const handles = new Handles(() => 0, 10 * 3_000);
    const [first = '', second = ''] = [handles.headerFor(header(0), 10), handles.headerFor(header(1), 10)];
    for (let n = 2; n < 12; n += 1) {
      handles.headerFor(header(n), 10);
      expect(handles.resolve(first)).to.equal(header(0));
    }
    expect(handles.resolve(second)).to.equal(undefined);
    const { bytes, evicted, count } = handles.state;
    expect(bytes).to.be.at.most(10 * 3_000);
    expect(evicted).to.equal(12 - count);
  });

  it('forget a token that is larger than all memory at once', () => {
    const handles = new Handles(() => 0, 1_000);
    expect(handles.resolve(handles.headerFor(header(0), 10))).to.equal(undefined);
    expect(handles.state.count).to.equal(0);
  });

  it('free the memory of expired tokens without being asked for them', () => {
    let now = 0;
    const handles = new Handles(() => now, 100 * MIB);
    for (let n = 0; n < 100; n += 1) handles.headerFor(header(n), 10);
    now = 31;
    handles.headerFor(header(100), 41);
    expect(handles.state).to.include({ count: 1, evicted: 0 });
  });

  for (const [what, count, repeats] of [
    ['few tokens', 10, 1_000],
    ['many tokens', 4_000, 1],
    ['a mix', 500, 10],
  ] as const)
    it(`hold within their bound with ${what}, and nothing of the headers that the tokens came in`, async () => {
      const held = await heldBytes(async () => {
        const handles = new Handles(() => 0, 2 * MIB);
        for (let n = 0; n < count * repeats; n += 1)
          handles.headerFor(pieceOf(10_000, header(n % count)), 10);
        expect(handles.state.bytes).to.be.at.most(2 * MIB);
        return handles;
      });
      expect(held).to.be.below(3 * MIB);
    });
});
