import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';

import { isWaybillError } from '../../../src/errors.ts';
import { deflated, inflated } from '../../../src/token/packed/deflate.ts';
import { DICTIONARY } from '../../../src/token/packed/dictionary.ts';
import { MAX_FIXED_BYTES } from '../../../src/token/packed/fixed-deflate.ts';
import { isFixed } from '../../../src/token/packed/fixed-inflate.ts';

const seed = Date.now() % 2 ** 31;

/** Bodies with something of the dictionary, something of themselves, and something that was never seen. */
const body = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc
        .tuple(fc.nat(DICTIONARY.length), fc.integer({ min: 1, max: 60 }))
        .map(([at, length]) => DICTIONARY.slice(at, at + length)),
      fc
        .tuple(fc.nat(255), fc.integer({ min: 1, max: 300 }))
        .map(([byte, times]) => new Uint8Array(times).fill(byte)),
    ),
    { maxLength: 30 },
  )
  .map((parts) => Buffer.concat(parts));

/** What zlib makes of a stream that ends where the bytes end; undefined for any other. */
function byZlib(stream: Uint8Array): string | undefined {
  try {
    const { buffer, engine } = inflateRawSync(stream, {
      dictionary: DICTIONARY,
      maxOutputLength: 32_768,
      info: true,
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    return engine.bytesWritten === stream.length ? buffer.toString('latin1') : undefined;
  } catch {
    return undefined;
  }
}

function byWaybill(stream: Uint8Array): string | undefined {
  try {
    return inflated(stream);
  } catch (error) {
    if (isWaybillError(error, 'token_packed')) return undefined;
    throw error;
  }
}

describe(`the DEFLATE of bodies (seed ${seed})`, () => {
  it('is read by zlib and by itself, short or long', () => {
    let [short, fixed] = [0, 0];
    fc.assert(
      fc.property(body, (bytes) => {
        const text = bytes.toString('latin1');
        const stream = Buffer.from(deflated(text)!, 'latin1');
        if (bytes.length <= MAX_FIXED_BYTES) {
          expect(isFixed(stream)).to.equal(true);
          short += 1;
        }
        if (isFixed(stream)) fixed += 1;
        expect(byZlib(stream)).to.equal(text);
        expect(inflated(stream)).to.equal(text);
      }),
      { seed, numRuns: 2_000 },
    );
    expect(short).to.be.greaterThan(500);
    expect(fixed).to.be.greaterThan(500);
  });

  it('takes no more than zlib with fixed codes, but for what a short search misses', () => {
    let [own, zlibs] = [0, 0];
    fc.assert(
      fc.property(
        body.filter(({ length }) => length <= MAX_FIXED_BYTES),
        (bytes) => {
          own += deflated(bytes.toString('latin1'))!.length;
          zlibs += deflateRawSync(bytes, { dictionary: DICTIONARY, level: 9, strategy: 4 }).length;
        },
      ),
      { seed, numRuns: 500 },
    );
    expect(own).to.be.at.most(zlibs * 1.05);
  });

  it('is read as zlib reads it, whoever wrote it and whatever was done to it', () => {
    const damaged = fc
      .tuple(
        fc.oneof(
          body.map((bytes) => deflateRawSync(bytes, { dictionary: DICTIONARY, strategy: 4 })),
          body.map((bytes) => deflateRawSync(bytes, { dictionary: DICTIONARY })),
          fc.uint8Array({ minLength: 1, maxLength: 60 }),
        ),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
        fc.boolean(),
        fc.integer({ min: -3, max: 2 }),
      )
      .map(([stream, changes, asFixed, more]) => {
        const bytes = Buffer.alloc(Math.max(0, stream.length + more));
        Buffer.from(stream).copy(bytes);
        for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
        if (asFixed && bytes.length > 0) bytes[0] = (bytes[0]! & 0xf8) | 0b011;
        return bytes;
      });
    let [taken, refused] = [0, 0];
    fc.assert(
      fc.property(damaged, (bytes) => {
        const expected = byZlib(bytes);
        if (isFixed(bytes)) expected === undefined ? (refused += 1) : (taken += 1);
        expect(byWaybill(bytes)).to.equal(expected);
      }),
      { seed, numRuns: 5_000 },
    );
    expect(Math.min(taken, refused)).to.be.greaterThan(100);
  });

  it('gives no more than a body may have', () => {
    const zeros = (length: number) =>
      deflateRawSync(Buffer.alloc(length), { dictionary: DICTIONARY, strategy: 4 });
    expect(isFixed(zeros(32_768))).to.equal(true);
    expect(byWaybill(zeros(32_768))).to.equal('\0'.repeat(32_768));
    expect(byWaybill(zeros(32_769))).to.equal(undefined);
  });
});
