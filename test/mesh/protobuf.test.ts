/** The wire format of protocol buffers, at the sizes where lengths and numbers need another byte. */
import { expect } from 'chai';

import { message, readFields, textOf } from '../../src/mesh/check/protobuf.ts';

describe('messages of a check', () => {
  const EDGES = [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152];

  it('reads what it wrote: texts, bytes and numbers', () => {
    for (const edge of EDGES) {
      const text = 'é'.repeat(edge >> 1) + 'x'.repeat(edge & 1);
      const bytes = Buffer.alloc(edge, 7);
      const written = message([1, text], [15, edge], [16, bytes], [2047, text]);
      const fields = readFields(written);
      expect(textOf(fields, 1), String(edge)).to.equal(text);
      expect(fields[1], String(edge)).to.deep.equal([15, edge]);
      expect(bytes.equals(fields[2]![1] as Buffer), String(edge)).to.equal(true);
      expect(textOf(fields, 2047), String(edge)).to.equal(text);
      expect(fields).to.have.length(4);
    }
  });

  it('writes the bytes that the format asks for', () => {
    // The examples of the format's own documentation: 150 in field 1, "testing" in field 2.
    expect(message([1, 150]).toString('hex')).to.equal('089601');
    expect(message([2, 'testing']).toString('hex')).to.equal('120774657374696e67');
    expect(message([3, message([1, 150])]).toString('hex')).to.equal('1a03089601');
    expect(message().length).to.equal(0);
  });

  it('takes the last of several values, and an empty one where there is none', () => {
    const fields = readFields(message([1, 'a'], [2, 'b'], [1, 'c'], [1, 5]));
    expect([textOf(fields, 1), textOf(fields, 3)]).to.deep.equal(['c', '']);
  });
});
