import { expect } from 'chai';
import { matchesPath, patternFault } from '../../src/graph/path-pattern.ts';

describe('patterns of paths', () => {
  const matching: [pattern: string, path: string][] = [
    ['shop.yaml', 'shop.yaml'],
    ['*.yaml', 'shop.yaml'],
    ['*', '.hidden'],
    ['s*p*.yaml', 'shopping.yaml'],
    ['**', 'a/b/c.yaml'],
    ['**/c.yaml', 'c.yaml'],
    ['**/c.yaml', 'a/b/c.yaml'],
    ['a/**', 'a/b.yaml'],
    ['a/**/d/*.yaml', 'a/b/d/c/d/e.yaml'],
    ['a/*/c.yaml', 'a/b/c.yaml'],
  ];
  for (const [pattern, path] of matching)
    it(`${pattern} matches ${path}`, () => expect(matchesPath(pattern, path)).to.equal(true));

  const others: [pattern: string, path: string][] = [
    ['*.yaml', 'a/shop.yaml'],
    ['shop.yaml', 'shop_yaml'],
    ['shop.yaml', 'a/shop.yaml'],
    ['a/**', 'ab/c.yaml'],
    ['a/*/c.yaml', 'a/b/d/c.yaml'],
    ['a/**/d.yaml', 'a/b/c.yaml'],
    ['[a-z].yaml', 'a.yaml'],
    ['s?op.yaml', 'shop.yaml'],
  ];
  for (const [pattern, path] of others)
    it(`${pattern} does not match ${path}`, () => expect(matchesPath(pattern, path)).to.equal(false));

  it('takes no longer for many stars than for few', () => {
    const stars = '*a'.repeat(120);
    const before = process.hrtime.bigint();
    expect(matchesPath(stars, `${'a'.repeat(4_000)}b`)).to.equal(false);
    expect(matchesPath(`${'**/a/'.repeat(50)}b`, `${'a/'.repeat(2_000)}c`)).to.equal(false);
    expect(Number(process.hrtime.bigint() - before) / 1e6).to.be.below(500);
  });

  it('refuses patterns that no path below can match', () => {
    for (const pattern of ['/etc/*', '../a', 'a/./b', 'a//b', 'a/', 'a/**.yaml', 'a\\b'])
      expect(patternFault(pattern), pattern).to.be.a('string');
    for (const pattern of ['a', 'a/**/b*.yaml', '**'])
      expect(patternFault(pattern), pattern).to.equal(undefined);
  });
});
