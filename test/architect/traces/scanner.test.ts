import { expect } from 'chai';
import fc from 'fast-check';

import { isWaybillError } from '../../../src/errors.ts';
import { JsonScanner, type JsonPath } from '../../../src/architect/traces/json/scanner.ts';
import { MAX_DEPTH } from '../../../src/architect/traces/limits.ts';
import { utf16 } from '../../support/files.ts';

/** Cuts a text into chunks at these places. */
function chunksOf(text: string | Buffer, cuts: readonly number[]): Buffer[] {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
}

function scan(text: string | Buffer, path: JsonPath, cuts: readonly number[] = []): unknown[] {
  const values: unknown[] = [];
  const scanner = new JsonScanner('it.json', { take: [[path, (value) => void values.push(value)]] });
  for (const chunk of chunksOf(text, cuts)) scanner.write(chunk);
  scanner.end();
  return values;
}

function refusal(text: string | Buffer, path: JsonPath = ['a', '*']): string {
  try {
    scan(text, path);
  } catch (error) {
    if (isWaybillError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

describe('the JSON scanner', () => {
  const cuts = fc.array(fc.nat(4_000), { maxLength: 20 });

  it('extracts the values that JSON.parse gives, however the text is chunked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue({ maxDepth: 4 })),
        fc.jsonValue(),
        cuts,
        fc.nat(3),
        (list, other, at, indent) => {
          const text = JSON.stringify({ x: other, 'a"\\': { b: list }, y: [other] }, null, indent);
          expect(scan(text, ['a"\\', 'b', '*'], at)).to.deep.equal(JSON.parse(JSON.stringify(list)));
        },
      ),
    );
  });

  it('reads one text after the other, in lines or not', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue()),
        cuts,
        fc.constantFrom('\n', '\r\n', ' '),
        (values, at, between) => {
          const text = values.map((value) => JSON.stringify({ a: [value] })).join(between);
          expect(scan(text, ['a', '*'], at)).to.deep.equal(JSON.parse(JSON.stringify(values)));
        },
      ),
    );
  });

  it('RFC 8259 section 8.1: skips a byte order mark, however the bytes are chunked', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), cuts, (list, at) => {
        const text = `\ufeff${JSON.stringify({ a: list })}`;
        const early = [...at, 1, 2, 3];
        expect(scan(text, ['a', '*'], at)).to.deep.equal(JSON.parse(JSON.stringify(list)));
        expect(scan(text, ['a', '*'], early)).to.deep.equal(JSON.parse(JSON.stringify(list)));
      }),
    );
  });

  it('refuses half a byte order mark, two of them and a misplaced one', () => {
    const mark = Buffer.from('\ufeff');
    const rest = Buffer.from('{"a": [1]}');
    for (const bytes of [
      Buffer.concat([mark.subarray(0, 1), rest]),
      Buffer.concat([mark.subarray(0, 2), rest]),
      Buffer.concat([mark, mark, rest]),
      Buffer.concat([mark.subarray(1), rest]),
      Buffer.concat([Buffer.from(' '), mark, rest]),
      Buffer.concat([rest, mark]),
    ])
      expect(refusal(bytes)).to.match(/^source_malformed: it\.json, byte \d+: This is not JSON\.$/);
    expect(refusal(mark.subarray(0, 2))).to.equal(
      'source_malformed: it.json, byte 2: The file ends before its JSON does.',
    );
    expect(scan(mark, ['a', '*'])).to.deep.equal([]);
  });

  it('says of UTF-16 what to do', () => {
    for (const bytes of utf16('{"a": [1]}'))
      expect(refusal(bytes)).to.match(
        /^source_malformed: it\.json, byte [01]: This is UTF-16\. Save the file as UTF-8\.$/,
      );
    expect(refusal('{"a": [1\u0000]}')).to.match(/This is not JSON\.$/);
  });

  it('treats keys of prototypes as ordinary keys', () => {
    expect(scan('{"__proto__": {"constructor": [1]}}', ['__proto__', 'constructor', '*'])).to.deep.equal([1]);
    expect(scan('{}', ['constructor'])).to.deep.equal([]);
  });

  for (const [what, text, error] of [
    [
      'a text that ends early',
      '{"a": [1, {"b": 2',
      'source_malformed: it.json, byte 17: The file ends before its JSON does.',
    ],
    [
      'a text that ends inside a string',
      '{"a": ["b',
      'source_malformed: it.json, byte 9: The file ends before its JSON does.',
    ],
    ['NaN', '{"a": [1, NaN]}', 'source_malformed: it.json, byte 10: This is not JSON.'],
    ['another language', '<html>', 'source_malformed: it.json, byte 0: This is not JSON.'],
    [
      'a bracket too many',
      '{"a": [1]]',
      'source_malformed: it.json, byte 9: This closing bracket has no opening one.',
    ],
    [
      'brackets that do not fit',
      '{"a": [1}',
      'source_malformed: it.json, byte 8: This closing bracket has no opening one.',
    ],
    [
      'a value that is none',
      '{"a": [{"b": 01}]}',
      'source_malformed: it.json, byte 7: The value that starts here is not JSON.',
    ],
  ] as const) {
    it(`refuses ${what}, and says at which byte`, () => {
      expect(refusal(text)).to.equal(error);
    });
  }

  it('refuses deep nesting, extracted or skipped', () => {
    const deep = '['.repeat(100_000);
    const message = `source_too_large: it.json, byte ${MAX_DEPTH}: The JSON is nested more than ${MAX_DEPTH} levels deep.`;
    expect([refusal(deep, ['x']), refusal(deep, ['*'])]).to.deep.equal([message, message]);
    expect(refusal(`${'['.repeat(MAX_DEPTH)}${']'.repeat(MAX_DEPTH)}`)).to.equal('none');
  });

  for (const [what, path] of [
    ['looked at', ['a']],
    ['passed over', ['b']],
    ['a key', []],
  ] as const) {
    it(`refuses an endless string early (${what})`, () => {
      const scanner = new JsonScanner('it.json', { take: [[path, () => undefined]] });
      scanner.write(Buffer.from(what === 'a key' ? '{"' : '{"a":"'));
      const chunk = Buffer.alloc(1 << 18, 'x');
      let written = 0;
      const endless = () => {
        for (; written < 2 ** 31; written += chunk.length) scanner.write(chunk);
      };
      expect(endless).to.throw(/A string has more than 8,388,608 bytes|A value has more than/);
      expect(written).to.be.below(2 ** 25);
    });
  }

  it('refuses an endless value', () => {
    const scanner = new JsonScanner('it.json', { take: [[['a'], () => undefined]] });
    scanner.write(Buffer.from('{"a":[0'));
    const chunk = Buffer.from(',0'.repeat(1 << 16));
    expect(() => {
      for (let count = 0; count < 1_000; count++) scanner.write(chunk);
    }).to.throw(/A value has more than 16,777,216 bytes/);
  });
});
