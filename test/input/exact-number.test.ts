import { expect } from 'chai';
import fc from 'fast-check';

import {
  WrittenNumber,
  hasWrittenNumber,
  isExactNumber,
  parseExactly,
  stringifyExactly,
} from '../../src/input/exact-number.ts';

describe('A number of JSON', () => {
  it('is exact where a double prints its digits again and it lies within 2^53-1', () => {
    const exact =
      '0 -0 0.000 0e99999 1.0 1.10 100 1e3 1E+3 123e-2 0.1 1e-7 5e-324 9007199254740991 -9007199254740991';
    for (const text of exact.split(' ')) expect(isExactNumber(text), text).to.equal(true);
    const changed =
      '9007199254740992 9007199254740993 -9007199254740992 1e16 1e400 -1e400 1e-400 0.10000000000000001';
    for (const text of changed.split(' ')) expect(isExactNumber(text), text).to.equal(false);
  });

  it('is exact with 15 significant digits, and wherever JavaScript prints it', () => {
    const within = (value: number) => Math.abs(value) <= Number.MAX_SAFE_INTEGER;
    fc.assert(fc.property(fc.double().filter(within), (value) => isExactNumber(JSON.stringify(value))));
    const digits = fc.tuple(fc.integer({ min: 1, max: 10 ** 15 - 1 }), fc.integer({ min: -30, max: 0 }));
    fc.assert(fc.property(digits, ([whole, power]) => isExactNumber(`${whole}e${power}`)));
  });

  it('is exact if and only if a reader with all digits sees the value of the double', () => {
    // The value of a decimal with six places, in millionths, as a whole number of any size.
    const decimal = fc.tuple(
      fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }),
      fc.stringMatching(/^\d{6}$/),
    );
    fc.assert(
      fc.property(decimal, ([whole, places]) => {
        const text = `${whole}.${places}`;
        const printed = Number(text);
        const [, kept = ''] = String(printed).split('.');
        const same =
          BigInt(`${whole}${places}`) ===
          BigInt(String(printed).replace('.', '') + '0'.repeat(Math.max(0, 6 - kept.length)));
        const isWithin = Math.abs(printed) <= Number.MAX_SAFE_INTEGER;
        expect(isExactNumber(text), text).to.equal(isWithin && kept.length <= 6 && same);
      }),
    );
  });
});

describe('JSON with numbers as they are written', () => {
  it('comes out as it went in, but for blanks', () => {
    const text =
      '{"a":9007199254740993,"b":[1,1e400,-0.1000000000000000055],"c":{"__proto__":12345678901234567890},"d":"1e400 \\" 1e400","9007199254740993":true}';
    const value = parseExactly(text) as Record<string, unknown>;
    expect(stringifyExactly(value)).to.equal(text);
    expect(value['a']).to.be.instanceOf(WrittenNumber);
    expect(String(value['a'])).to.equal('9007199254740993');
    expect(Object.getPrototypeOf(value['c'])).to.equal(Object.prototype);
    expect(stringifyExactly(value, 2)).to.equal(
      JSON.stringify(JSON.parse(text), null, 2)
        .replace(/("a": )\d+/, '$19007199254740993')
        .replace('null', '1e400')
        .replace('-0.1', '-0.1000000000000000055')
        .replace(/("__proto__": )\d+/, '$112345678901234567890'),
    );
  });

  it('equals the result of JSON.parse if every number is exact, and means the same if one is not', () => {
    let exact = 0;
    fc.assert(
      fc.property(fc.json(), (text) => {
        const read = parseExactly(text);
        if (!hasWrittenNumber(read)) {
          expect(read).to.deep.equal(JSON.parse(text));
          exact += 1;
        }
        expect(JSON.parse(stringifyExactly(read))).to.deep.equal(JSON.parse(text));
      }),
      { numRuns: 1_000 },
    );
    expect(exact).to.be.above(0);
  });

  it('is refused like by JSON.parse if it is invalid', () => {
    for (const text of [
      '',
      '{',
      '9007199254740993 1',
      '"9007199254740993',
      '[1e400',
      '{"a":1e400,}',
      '"\\',
    ]) {
      expect(() => parseExactly(text), text).to.throw(SyntaxError);
    }
  });

  it('is found in any depth, and a text is no number', () => {
    const deep = (number: string) => `${'['.repeat(50_000)}${number}${']'.repeat(50_000)}`;
    expect(hasWrittenNumber(parseExactly(deep('1e400')))).to.equal(true);
    expect(hasWrittenNumber(parseExactly(deep('1')))).to.equal(false);
    expect(hasWrittenNumber(parseExactly('{"a":["9007199254740993",null,{}]}'))).to.equal(false);
  });
});
