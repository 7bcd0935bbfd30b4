import { expect } from 'chai';
import type { Compiled } from '../../src/planning/compile.ts';
import { HEAD, client, compileFiles, compileText, placed } from '../support/compile.ts';

const codes = ({ findings }: Compiled): string[] => [...new Set(findings.map(({ code }) => code))].sort();
const numbered = (count: number, line: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => line(n)).join('');

describe('a graph made to harm', function () {
  // Each of these took minutes, or all memory, before it was bounded.
  this.timeout(60_000);

  it('with 200,000 different scopes in one call is answered soon', () => {
    const text = `${HEAD}${client(`{ shop: [${numbered(200_000, (n) => `s${n},`)}] }`)}services:\n  shop: { scopes: { s0: } }\n`;
    expect(codes(compileText(text))).to.deep.equal(['too-many-findings', 'unknown-scope']);
  });

  it('with 300,000 wrong values is answered soon', () => {
    const text = `${HEAD}services:\n${numbered(300_000, (n) => `  s${n}: 1\n`)}`;
    expect(codes(compileText(text))).to.deep.equal(['too-many-findings', 'wrong-type']);
  });

  it('with more than two million values is refused', () => {
    const text = `waybill: 1\nx: [${'a,'.repeat(2_000_100)}a]\n`;
    expect(compileText(text).findings.map(({ code }) => code)).to.deep.equal(['file-too-large']);
  });

  it('with a variable that is filled in millions of times is refused', () => {
    const text = `${HEAD}vars: { a: '${'b'.repeat(2_000)}' }\nx-a: &a '\${a}'\nname2: '${'${a}'.repeat(1_000_000)}'\n`;
    expect(codes(compileText(text))).to.deep.equal(['file-too-large', 'unknown-key']);
  });

  it('with unknown names of three million letters is answered soon, in few words', () => {
    const name = 'a'.repeat(3_000_000);
    const text = `${HEAD}${client('{ shop: [s] }')}services:
  shop: { scopes: { s: { calls: { ${name}b: [x] } } } }
  ${name}: {}
`;
    const { findings } = compileText(text);
    expect(findings.map(({ code }) => code)).to.include('invalid-value');
    for (const { message, hint } of findings) {
      expect(message.length).to.be.below(2_100);
      expect(hint.length).to.be.below(2_100);
    }
  });

  it('with 10,000 unknown services is answered soon', () => {
    const text = `${HEAD}${client('{ s0: [a] }')}services:\n${numbered(10_000, (n) => `  s${n}: { scopes: { a: { calls: { z${n}: [a] } } } }\n`)}`;
    expect(codes(compileText(text))).to.include('unknown-service');
  });

  describe('and overlays', () => {
    const base = (count: number): string =>
      `${HEAD}${client('{ shop: [s0] }')}services:\n  shop: { scopes: { ${numbered(count, (n) => `s${n}: ,`)} } }\n`;
    const overlaid = (count: number, overlay: string) =>
      compileFiles({ 'graph.yaml': base(count), 'o.yaml': `waybill: 1\noverlay: true\n${overlay}` }, {}, [
        'o.yaml',
      ]);

    it('with 100,000 names that nothing declares is answered soon', () => {
      const names = numbered(100_000, (n) => `z${n}: ,`);
      const found = codes(overlaid(10_000, `services: { shop: { scopes: { ${names} } } }`));
      expect(found).to.include.members(['overlay-unmatched', 'too-many-findings']);
    });

    it('with 20,000 changes is answered soon', () => {
      const changes = numbered(20_000, (n) => `s${n}: { lifetime: 9 },`);
      const { overlays, plan } = overlaid(20_000, `services: { shop: { scopes: { ${changes} } } }`);
      expect(plan?.services.get('shop')?.scopes.get('s7')?.lifetime).to.equal(9);
      expect(overlays[0]?.changes.every(({ impact }) => impact === 'narrows')).to.equal(true);
    });

    it('with aliases of aliases is refused', () => {
      const aliases = numbered(12, (n) => `x-a${n + 1}: &a${n + 1} [${'*a'.concat(`${n}, `).repeat(9)}]\n`);
      expect(codes(overlaid(1, `x-a0: &a0 [1]\n${aliases}`))).to.include('alias-limit');
    });

    it('with more than 64 overlays is refused', () => {
      const files = Object.fromEntries(
        Array.from({ length: 65 }, (_, n) => [`o${n}.yaml`, 'waybill: 1\noverlay: true\n']),
      );
      expect(codes(compileFiles({ 'graph.yaml': base(1), ...files }))).to.deep.equal(['too-many-files']);
    });
  });

  it('sends no control character to the terminal of its reader', () => {
    const { findings } = compileText(`${HEAD}${client('{ shop: [s] }')}services:
  shop: { "\\e[2J\\a\\u202e\\nadmin": 1, scopes: { s: , "\\x9b31m": } }
`);
    const told = findings.map(({ message, hint }) => message + hint).join('');
    expect(findings.length).to.be.above(1);
    expect(told).to.not.match(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
    expect(told).to.contain('\\u001b[2J\\u0007\\u202e\\u000aadmin');
  });

  it('with the same mistake behind an alias tells it once', () => {
    const { findings } = compileText(`${HEAD}${client('{ a: [s], b: [s] }')}services:
  a: { scopes: &scopes { s: { calls: { gone: [x] } } } }
  b: { scopes: *scopes }
`);
    expect(findings.map(placed)).to.deep.equal(['graph.yaml:11:40 unknown-service']);
  });
});

describe('the nearest name', () => {
  const hintFor = (asked: string, known: string): string => {
    const text = `${HEAD}${client(`{ shop: [${known}, ${asked}] }`)}services:\n  shop: { scopes: { ${known}: } }\n`;
    return compileText(text).findings[0]?.hint ?? '';
  };

  it('is reported where a letter is wrong, missing, too many or in another case', () => {
    for (const asked of ['broese', 'brose', 'browsse', 'BROWSE', 'browes']) {
      expect(hintFor(asked, 'browse')).to.equal('Did you mean browse?');
    }
  });

  it('is not made up for a name that shares nothing', () => {
    for (const [asked, known] of [
      ['x', 'a'],
      ['go', 'ab'],
      ['refund', 'browse'],
    ] as const) {
      expect(hintFor(asked, known)).to.not.contain('Did you mean');
    }
  });
});
