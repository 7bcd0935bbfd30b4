/** Variables: the values that texts and keys take from them. */
import { expect } from 'chai';
import fc from 'fast-check';
import { readVariableFile } from '../../src/graph/index.ts';
import { HEAD, client, compileText, planOf } from '../support/compile.ts';
import { withFolder } from '../support/files.ts';
import path from 'node:path';

const graph = (vars: string, keys: string): string =>
  `${HEAD}vars: { ${vars} }\n${client('{ shop: [browse] }')}services:\n  shop: { ${keys} scopes: { browse: } }\n`;

/** The values of the claims that tokens of `shop` carry. */
function claimsOf(text: string, variables: Readonly<Record<string, string>>): unknown[] {
  const service = planOf(text, variables).services.get('shop');
  return service?.claims.map(({ claim: { source } }) => ('value' in source ? source.value : source)) ?? [];
}

describe('a variable', () => {
  it('gives a text that is nothing else a value of its type, and is text inside a longer one', () => {
    const text = graph(
      'life: 90, size: { type: string, default: 8KiB }, on: true, tier: { one_of: [a, b], default: a }',
      "lifetime: '${life}', headers: { max_line: '${size}' }, audience: 'https://${tier}-${life}-${on}', claims: [flag],",
    ).replace('defaults:', "claims: { flag: { value: '${on}' } }\ndefaults:");
    const service = planOf(text).services.get('shop');
    expect(service?.lifetime).to.equal(90);
    expect(service?.audience).to.equal('https://a-90-true');
    expect(service?.headers?.maxLine).to.equal(8192);
    expect(['true', 'false'].map((on) => claimsOf(text, { on }))).to.deep.equal([[true], [false]]);
  });

  it('keeps all digits of a number inside a text', () => {
    const text = graph('version: 1.10, id: 9007199254740993', "audience: 'https://${version}/${id}',");
    expect(planOf(text).services.get('shop')?.audience).to.equal('https://1.10/9007199254740993');
  });

  it('stands in keys', () => {
    const text = `${HEAD}vars: { region: { one_of: [eu, us], default: eu }, db: { one_of: [stock], default: stock } }
zones: { 'z-\${region}': }
${client('{ shop: [browse] }')}services:
  shop: { zone: 'z-\${region}', scopes: { browse: { calls: { '\${db}': [read] } } } }
  '\${db}': { scopes: { read: } }
`;
    const zoneOf = (region: string) => planOf(text, { region }).services.get('shop')?.zone;
    expect([zoneOf('eu'), zoneOf('us')]).to.deep.equal(['z-eu', 'z-us']);
    expect([...planOf(text).services.keys()]).to.deep.equal(['shop', 'stock']);
  });

  it('adds no structure to the graph, whatever its value is', () => {
    const text = graph('v: x', 'claims: [a, b],').replace(
      'defaults:',
      "claims: { a: { value: 'a:${v}' }, b: { value: '${v}' } }\ndefaults:",
    );
    const seed = 20261;
    fc.assert(
      fc.property(fc.string({ maxLength: 40, unit: 'grapheme' }), (v) => {
        fc.pre(!v.includes('${'));
        expect(claimsOf(text, { v })).to.deep.equal([`a:${v}`, v]);
      }),
      { seed, numRuns: 60 },
    );
  });

  it('cannot hold another one, wherever its value comes from', () => {
    const codes = (vars: string, variables = {}) =>
      compileText(graph(vars, "audience: '${a}',"), variables).findings.map(({ code }) => code);
    expect(codes("a: { default: '${b}' }")).to.deep.equal(['invalid-value']);
    expect(codes('a: b', { a: '${a}' })).to.deep.equal(['invalid-value']);
    expect(codes("a: { one_of: [x, '${b}'], default: x }")).to.deep.equal(['invalid-value']);
  });

  it('decides authority if it lists its values', () => {
    const text = graph(
      's: { one_of: [browse, admin], default: browse }, m: { type: boolean, default: true }',
      'claims: [t],',
    )
      .replace('[browse] }', "['${s}'] }")
      .replace('scopes: { browse: }', 'scopes: { browse: , admin: }')
      .replace('defaults:', "zones: { out: { external: '${m}' } }\nclaims: { t: { value: 1 } }\ndefaults:")
      .replace('claims: [t]', 'zone: out, claims: [t]');
    const scopesOf = (s: string) =>
      planOf(text, { s })
        .clients.get('web')
        ?.calls.flatMap(({ scopes }) => scopes);
    expect(scopesOf('browse')?.map(({ name }) => name)).to.deep.equal(['browse']);
    expect(scopesOf('admin')?.map(({ name }) => name)).to.deep.equal(['admin']);
  });
});

describe('a file of variables', () => {
  const read = (text: string) =>
    withFolder({ 'prod.vars.yaml': text }, (folder) => [
      ...readVariableFile(path.join(folder, 'prod.vars.yaml')),
    ]);

  it('gives values as they are written', () => {
    expect(read("domain: shop.example\nversion: 1.10\nid: '007'\non: true\n")).to.deep.equal([
      ['domain', 'shop.example'],
      ['version', '1.10'],
      ['id', '007'],
      ['on', 'true'],
    ]);
  });

  it('that is no mapping of such values is refused, with the place', () => {
    for (const [text, message] of [
      ['- a\n', /prod\.vars\.yaml:1:1: A file of variables is a mapping/],
      ['a: [b]\n', /prod\.vars\.yaml:1:1: The value of a is not text/],
      ['a: b\nc:\n', /prod\.vars\.yaml:2:1: The value of c is not text/],
      ['a: {\n', /prod\.vars\.yaml:\d:\d: This is not YAML/],
    ] as const)
      expect(() => read(text), text).to.throw(message);
  });
});
