import { expect } from 'chai';
import fc from 'fast-check';

import {
  parsePrefix,
  isWithin,
  longestMatch,
  parseAddress,
} from '../../../src/middleware/extractor/url-prefix.ts';

function within(base: string, address: string): boolean {
  const [left, right] = [parsePrefix(base), parseAddress(address)];
  return left !== undefined && right !== undefined && isWithin(left, right);
}

describe('the place of an address', () => {
  const inside: [base: string, address: string][] = [
    ['https://a.example', 'https://a.example'],
    ['https://a.example', 'https://a.example/x/y?z=1#f'],
    ['https://a.example/', 'https://a.example/x'],
    ['https://a.example/x', 'https://a.example/x'],
    ['https://a.example/x', 'https://a.example/x/'],
    ['https://a.example/x/', 'https://a.example/x'],
    ['https://a.example/x', 'https://a.example/x/y'],
    ['https://a.example/x', 'https://a.example/z/../x/y'],
    ['https://a.example/x', 'https://a.example/z/%2e%2E/x/y'],
    ['https://a.example:443/x', 'https://A.EXAMPLE/x'],
    ['http://127.0.0.1:8080', 'http://127.1:8080/x'],
    ['https://a.example/x', 'https://a.example/x/a%2fb'],
  ];
  for (const [base, address] of inside) {
    it(`${address} is within ${base}`, () => expect(within(base, address)).to.equal(true));
  }

  const outside: [base: string, address: string][] = [
    ['https://a.example/x', 'https://a.example/xy'],
    ['https://a.example/x', 'https://a.example/X'],
    ['https://a.example/x', 'https://a.example/x/../y'],
    ['https://a.example/x', 'https://a.example/x/%2e%2e/y'],
    ['https://a.example/x', 'https://a.example/x/..%2fy'],
    ['https://a.example/x', 'https://a.example/x/z%5C..%5Cy'],
    ['https://a.example/x', 'https://a.example/x/%2E%2e%2Fy'],
    ['https://a.example/x', 'https://a.example//x'],
    ['https://a.example/x', 'https://a.example/x%2fy'],
    ['https://a.example/x', 'https://a.example/%78'],
    ['https://a.example', 'http://a.example'],
    ['https://a.example', 'https://a.example:8443'],
    ['https://a.example', 'https://a.example.evil.example'],
    ['https://a.example', 'https://a.example@evil.example'],
    ['https://a.example', 'https://user:secret@a.example/'],
    ['https://a.example', 'https://evil.example/https://a.example'],
    ['https://a.example', 'https://a.example.'],
    ['https://a.example', 'https:\\\\a.example@evil.example'],
    ['https://a.example?x=1', 'https://a.example?x=1'],
    ['urn:example:a', 'urn:example:a'],
    ['ads', 'https://ads'],
  ];
  for (const [base, address] of outside) {
    it(`${address} is not within ${base}`, () => expect(within(base, address)).to.equal(false));
  }

  /** Each follows `https://a.example/x/` and may lead out of `/x` for a server that reads paths in another way. */
  const elsewhere: readonly [how: string, path: string][] = [
    ['parameters behind a dot segment', '..;/y'],
    ['parameters with a value', '..;v=1/y'],
    ['parameters behind a single dot', '.;x/y'],
    ['parameters at the end', '..;'],
    ['an encoded semicolon', '..%3b/y'],
    ['an encoded semicolon and dots', '%2e%2E%3B/y'],
    ['an encoded semicolon behind an encoded slash', 'z%2f..%3bq%2fy'],
    ['dots that are encoded twice', '%252e%252e/y'],
    ['dots that are encoded three times', '%25252e%25252E/y'],
    ['one dot that is encoded twice', '.%252e/y'],
    ['a slash that is encoded twice', '..%252fy'],
    ['a slash that is encoded twice, without dots', 'z%252fy'],
    ['a backslash that is encoded twice', 'z%255cy'],
    ['an encoded backslash', 'z%5cy'],
    ['a semicolon that is encoded twice', '..%253b/y'],
    ['a backslash', 'z\\..\\y'],
    ['a backslash without dots', 'z\\y'],
    ['an encoded NUL', '..%00/y'],
    ['an encoded NUL that ends a name', 'z%00.html'],
    ['an encoded line feed', 'z%0ay'],
    ['an encoded carriage return, encoded twice', 'z%250dy'],
    ['an encoded delete', 'z%7fy'],
    ['a raw tab', 'z\ty'],
    ['a raw line feed', '.\n./y'],
    ['spaces behind dots', '..%20/y'],
    ['a question mark behind dots', '..%3fq'],
    ['a number sign behind dots', '..%23'],
    ['overlong dots', '%c0%ae%c0%ae/y'],
    ['overlong dots of three bytes', '%e0%80%ae%E0%80%AE/y'],
    ['overlong dots of four bytes', '%f0%80%80%ae./y'],
    ['an overlong slash', '..%c0%afy'],
    ['an overlong backslash', '..%c1%9cy'],
    ['an overlong slash, encoded twice', 'z%25c0%25afy'],
    ['dots in full width', '%ef%bc%8e%ef%bc%8e/y'],
    ['raw dots in full width', '\uff0e\uff0e/y'],
    ['a slash in full width', '..%ef%bc%8fy'],
    ['dots of another encoding', '%u002e%u002e/y'],
    ['a slash of another encoding', '..%u2215y'],
    ['escapes within escapes without end', `%${'25'.repeat(40)}2e./y`],
  ];
  for (const [how, path] of elsewhere) {
    it(`has none if a server could read it differently: ${how}`, () => {
      expect(parseAddress(`https://a.example/x/${path}`), path).to.equal(undefined);
      expect(parseAddress(`https://a.example/${path}`), path).to.equal(undefined);
    });
  }

  for (const path of [
    'a;v=1/b',
    'a;v=1;w=2',
    ';v=1/b',
    'a;v=..',
    'a..;v=1/b',
    '..a;v=1',
    '...',
    'a..b',
    '.well-known/x',
    'group%2Fproject',
    'a%20b',
    'a b',
    '100%25',
    '100%',
    'caf%C3%A9/b',
    'café',
    'caf%E9',
    '%E6%97%A5%E6%9C%AC',
    'a%3Bb',
    'a%3Fb%23c',
    'a:b@c,d',
    'x?next=/../y&z=%00',
    'x#%2e%2e%5c',
  ]) {
    it(`stays within its base: ${path}`, () => {
      expect(within('https://a.example/x', `https://a.example/x/${path}`)).to.equal(true);
    });
  }

  const segment = fc.constantFrom('a', 'b', 'ab', 'aa', 'x');
  const address = fc
    .tuple(
      fc.constantFrom('https://a', 'https://b', 'https://a:8443', 'http://a'),
      fc.array(segment, { maxLength: 4 }),
    )
    .map(([origin, path]) => [origin, ...path].join('/'));

  it('is that of the longest base, as a naive search over all prefixes finds it', () => {
    fc.assert(
      fc.property(fc.array(address, { maxLength: 12 }), address, (addresses, asked) => {
        const candidates = addresses.flatMap((value) => {
          const prefix = parsePrefix(value);
          return prefix === undefined ? [] : [{ prefix, value }];
        });
        const target = parseAddress(asked);
        const found = target === undefined ? [] : longestMatch(target, candidates);
        expect([...found].sort()).to.deep.equal(naive(addresses, asked).sort());
      }),
    );
  });

  /** Takes one segment after the other off the address until something is called exactly that. */
  function naive(addresses: readonly string[], asked: string): string[] {
    for (let rest = asked; rest.includes('//'); rest = rest.slice(0, Math.max(rest.lastIndexOf('/'), 0))) {
      const exact = addresses.filter((candidate) => candidate === rest);
      if (exact.length > 0) return exact;
    }
    return [];
  }

  it('never puts an address within a base of another origin, whatever the text', () => {
    let found = 0;
    fc.assert(
      fc.property(fc.webUrl(), fc.string(), (base, text) => {
        for (const candidate of [base + text, text + base, base.replace('//', `//${text}@`)]) {
          if (!within(base, candidate)) continue;
          expect(new URL(candidate).origin).to.equal(new URL(base).origin);
          found += 1;
        }
      }),
    );
    expect(found).to.be.above(0);
  });
});
