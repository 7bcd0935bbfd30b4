import { expect } from 'chai';
import fc from 'fast-check';
import { FlatJsonFault, parseFlatObject, parseOneFlatObject } from '../../src/input/flat-json.ts';

const scalar = fc.oneof(fc.string(), fc.maxSafeInteger(), fc.boolean());
const flat = fc.dictionary(fc.string(), fc.oneof(scalar, fc.array(fc.string())));

function read(json: string): unknown {
  try {
    return Object.fromEntries(parseFlatObject(json));
  } catch (error) {
    expect(error).to.be.instanceOf(FlatJsonFault);
    return undefined;
  }
}

describe('A flat JSON object', () => {
  it('is read as JSON.parse reads it, however it is laid out', () => {
    fc.assert(
      fc.property(flat, fc.constantFrom(0, 1, '\t', '\r\n '), (value, space) => {
        const json = JSON.stringify(value, undefined, space);
        expect(read(json)).to.deep.equal(JSON.parse(json));
        expect(Object.fromEntries(parseOneFlatObject(` [${json}] `))).to.deep.equal(JSON.parse(json));
      }),
    );
  });

  it('is all that is read: any other JSON, and what is almost JSON, is refused', () => {
    const text = fc.oneof(
      fc.json(),
      fc.string(),
      fc
        .tuple(fc.json(), fc.nat(40), fc.string({ maxLength: 3 }))
        .map(([json, at, more]) => json.slice(0, at) + more + json.slice(at)),
    );
    const isFlat = (value: unknown): boolean =>
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      Object.values(value).every(
        (each) =>
          typeof each === 'string' ||
          typeof each === 'boolean' ||
          typeof each === 'number' ||
          (Array.isArray(each) && each.every((one) => typeof one === 'string')),
      );
    fc.assert(
      fc.property(text, (json) => {
        const value = read(json);
        if (value === undefined) return;
        expect(JSON.parse(json)).to.deep.equal(value);
        expect(isFlat(value)).to.equal(true);
      }),
      { numRuns: 1_000 },
    );
  });

  for (const json of [
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":1}',
    '{"a":1.0}',
    '{"a":1e2}',
    '{"a":01}',
    '{"a":+1}',
    '{"a":- 1}',
    '{"a":null}',
    '{"a":{}}',
    '{"a":[[]]}',
    '{"a":[true]}',
    '{"a":1,}',
    '{"a":["x",]}',
    '{,}',
    '{"a" 1}',
    "{'a':1}",
    '{"a":"\u0001"}',
    '{"a":"\\x"}',
    '{"a":"\\u00"}',
    '\ufeff{}',
    '{}{}',
    '{',
    '{"a":',
    '{"a":[',
    '',
  ])
    it(`${JSON.stringify(json)} is none`, () => expect(() => parseFlatObject(json)).to.throw(FlatJsonFault));

  it('has no negative zero, which readers of a whole number do not expect', () => {
    expect(Object.is(parseFlatObject('{"a":-0}').get('a'), 0)).to.equal(true);
  });

  it('stands alone in its list', () => {
    for (const json of ['[]', '[{},{}]', '[{}', '{}', '[1]'])
      expect(() => parseOneFlatObject(json)).to.throw(FlatJsonFault);
  });
});
