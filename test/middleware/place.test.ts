import { expect } from 'chai';
import fc from 'fast-check';

import { baseOf, isWithin, longestWithin, placeOf } from '../../src/middleware/place.ts';

function within(base: string, address: string): boolean {
  const [left, right] = [baseOf(base), placeOf(address)];
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
          const base = baseOf(value);
          return base === undefined ? [] : [{ base, value }];
        });
        const target = placeOf(asked);
        const found = target === undefined ? [] : longestWithin(target, candidates);
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
    fc.assert(
      fc.property(fc.webUrl(), fc.string(), (base, text) => {
        for (const candidate of [base + text, text + base, base.replace('//', `//${text}@`)]) {
          if (within(base, candidate)) expect(new URL(candidate).origin).to.equal(new URL(base).origin);
        }
      }),
    );
  });
});
