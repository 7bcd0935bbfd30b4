import { expect } from 'chai';
import { conditionsOn } from '../../src/graph/index.ts';
import { HEAD, client, compileText, inOneLine, placed, planOf } from '../support/compile.ts';
import { Walk } from '../../src/graph/index.ts';

const shop = (keys: string): string =>
  `${HEAD}${client('{ shop: [browse] }')}services:\n  shop: { ${keys} scopes: { browse: } }\n`;

/** Nothing at all is found. */
function isFine(text: string, variables = {}): void {
  const { plan, findings } = compileText(text, variables);
  expect(findings.map(inOneLine)).to.deep.equal([]);
  expect(plan).to.not.equal(undefined);
}

describe('a graph that is right', () => {
  const urls = [
    'https://tokens.example',
    'https://tokens.example:8443/tenant/a',
    'http://localhost',
    'http://localhost:8080/a',
    'http://127.0.0.1:8080',
    'http://127.1.2.3',
    'http://[::1]:8080',
  ];
  for (const url of urls) {
    it(`may have the issuer URL ${url}`, () => {
      isFine(shop('').replace('http://127.0.0.1:8080', url));
    });
  }

  it('may have empty scopes, services that are called for nothing, and empty zones', () => {
    isFine(`${HEAD}zones:\n  mesh:\n${client('{ a: [s] }')}services:
  a:
    zone: mesh
    scopes:
      s: { calls: { b: { mode: none }, queue: { mode: none } } }
  b:
`);
  });

  it('may have names that every JavaScript object has', () => {
    const plan =
      planOf(`${HEAD}claims: { toString: { value: 1 }, constructor: { from: client, max_bytes: 9 } }
clients:
  valueOf:
    auth: { method: client_secret_basic, secret_env: S }
    claims: { constructor: x }
    calls: { constructor: [__proto__, constructor] }
services:
  constructor:
    claims: [toString, constructor!]
    scopes:
      __proto__: { calls: { toString: [hasOwnProperty] } }
      constructor: { calls: { hasOwnProperty: [__proto__] } }
  toString: { scopes: { hasOwnProperty: } }
  hasOwnProperty: { scopes: { __proto__: } }
`);
    const service = plan.services.get('constructor')!;
    const shape = new Walk().shape(service, [...service.scopes.values()]);
    expect(shape.scope).to.equal('__proto__ constructor');
    expect(shape.claims.map(({ claim }) => claim.name)).to.deep.equal(['toString', 'constructor']);
    expect(shape.branches.map(({ callee }) => callee)).to.deep.equal(['toString', 'hasOwnProperty']);
    expect(shape.tokens).to.equal(3);
  });

  it('may have variables, claims and profiles with such names only where they are declared', () => {
    const text = shop("audience: '${constructor}/${toString}', ");
    expect(compileText(text).findings.map(({ code }) => code)).to.deep.equal([
      'undefined-variable',
      'undefined-variable',
    ]);
    isFine(`${text}vars: { constructor: a, toString: b }\n`);
  });

  it('may have keys of its author’s own at every level, with anything in them', () => {
    isFine(`x-top: &shared { deep: [1, { er: 2 }] }
waybill: 1
name: test
issuer: { url: 'http://127.0.0.1:8080', limits: { tokens: 8, x-note: '\${nothing}' }, x-note: *shared }
defaults: { headers: { profile: envoy, x-note: 1 }, x-note: 2 }
vars: { x-note: 3 }
zones: { mesh: { via: [{ profile: envoy, x-note: 4 }], x-note: 5 }, x-note: 6 }
claims: { tier: { from: client, max_bytes: 9, x-note: 7 }, x-note: 8 }
subjects: { x-note: 9 }
clients:
  x-note: 10
  web:
    x-note: 11
    auth: { method: client_secret_basic, secret_env: S, x-note: 12 }
    claims: { tier: a, x-note: 13 }
    calls: { shop: { scopes: [browse], x-note: 14 }, x-note: 15 }
services:
  x-note: 16
  shop:
    x-note: 17
    zone: mesh
    claims: [tier]
    scopes: { x-note: 18, browse: { x-note: 19, calls: { x-note: 20 } } }
`);
  });

  it('may declare a claim for a condition alone', () => {
    const { findings, plan } = compileText(`${HEAD}
subjects: { login: { issuer: 'https://login.example', audience: app } }
claims: { role: { from: subject, path: realm_access.roles } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: S }
    grants: [token_exchange]
    subjects: [login]
    calls: { shop: { scopes: [browse, refund], when: { refund: { role: [admin] } } } }
services: { shop: { scopes: { browse: , refund: } } }
`);
    expect(findings).to.deep.equal([]);
    const [call] = plan?.clients.get('web')?.calls ?? [];
    const conditions = conditionsOn(call ? [call] : [], call?.scopes ?? []);
    expect(conditions).to.deep.equal([{ scope: 'refund', path: 'realm_access.roles', values: ['admin'] }]);
  });

  it('may share values by anchors, even from keys of the author’s own', () => {
    const plan = planOf(`${HEAD}vars: { place: eu }
x-common: &common { scopes: { s: { claims: [region] } } }
claims: { region: { value: '\${place}' } }
${client('{ a: &scopes [s], b: *scopes }')}services:
  a: *common
  b: *common
`);
    expect(
      [...plan.services.values()].map(({ claims, scopes }) => [claims.length, scopes.size]),
    ).to.deep.equal([
      [0, 1],
      [0, 1],
    ]);
    expect(plan.services.get('a')?.scopes.get('s')?.claims[0]?.claim.source).to.deep.equal({ value: 'eu' });
  });

  it('inserts numbers of `vars` as they are written', () => {
    for (const number of ['12345678901234567890', '1.10', '007', '1e30', '0x1F']) {
      const text = `${shop("audience: 'https://${n}.example', ")}vars: { n: ${number} }\n`;
      expect(planOf(text).services.get('shop')?.audience).to.equal(`https://${number}.example`);
    }
  });

  it('takes the values of the command line over its own, and escapes', () => {
    const text = `${shop("audience: 'https://${host}/$${host}', ")}vars: { host: a.example }\n`;
    const audience = (variables = {}): string | undefined =>
      compileText(text, variables).plan?.services.get('shop')?.audience;
    expect(audience()).to.equal('https://a.example/${host}');
    expect(audience({ host: 'b.example' })).to.equal('https://b.example/${host}');
  });

  it('has what it leaves out by default', () => {
    const plan = planOf(`${shop('').replace('name: test\n', '')}`);
    expect(plan.name).to.equal('graph');
    expect(plan.issuer).to.deep.include({ lifetime: 300, signing: 'ES256' });
    expect(plan.issuer.limits).to.deep.equal({ tokens: 128, depth: 12, nested: 262_144 });
    const service = plan.services.get('shop')!;
    expect([service.audience, service.identity]).to.deep.equal(['shop', 'shop']);
  });

  it('reads sizes and durations with their units', () => {
    const plan = planOf(
      shop("lifetime: 90, headers: { max_line: '12 kB', max_total: 1MiB, reserve: 300 },").replace(
        "8080'",
        "8080', lifetime: 24h, limits: { nested: 16MiB }",
      ),
    );
    expect(plan.issuer.lifetime).to.equal(86_400);
    expect(plan.issuer.limits.nested).to.equal(16 * 1024 * 1024);
    const { lifetime, headers } = plan.services.get('shop')!;
    expect(lifetime).to.equal(90);
    expect(headers).to.deep.include({
      maxLine: 12_000,
      maxTotal: 1_048_576,
      reserve: { headers: 5, bytes: 300 },
    });
  });
});

describe('several mistakes in one graph', () => {
  it('are all told in one run, each at its place', () => {
    const { findings, leftOut, plan } = compileText(`waybill: 1
name: test
issuer: { url: 'http://tokens.example', limits: { tokens: 2 } }
zones: { mesh: { via: [ngnix] }, old: }
claims: { sub: { value: 1 }, tier: { from: client, max_bytes: 2 } }
defaults: { zone: mesh, headers: { profile: envoy, max_line: 400 } }
clients:
  web:
    auth: { method: client_secret_basic, secret: hunter2, secret_env: S }
    claims: { tier: gold }
    calls: { shop: [browse, byu, buy], stock: [read] }
services:
  shop:
    claims: [sub, teir]
    audiense: x
    scopes:
      browse: { calls: { stock: [read], gone: [x] } }
      buy: { calls: { stock: { scopes: [read], mode: none } } }
      never: { calls: { a: [s], b: [s] } }
  stock: { scopes: { read: { callers: [shop] } } }
  lost:
  a: { scopes: { s: { calls: { b: [s] } } } }
  b: { scopes: { s: { calls: { a: [s] } } } }
`);
    expect(plan).to.equal(undefined);
    expect(leftOut).to.include.members(['unused-scope', 'unreachable-service', 'cycle', 'conflicting-calls']);
    expect(findings.map(placed)).to.deep.equal([
      'graph.yaml:3:16 issuer-url',
      'graph.yaml:4:24 unknown-profile',
      'graph.yaml:5:11 reserved-claim',
      'graph.yaml:9:42 secret-in-graph',
      'graph.yaml:10:15 claim-too-large',
      'graph.yaml:11:29 unknown-scope',
      'graph.yaml:14:19 unknown-claim',
      'graph.yaml:15:5 unknown-key',
      'graph.yaml:17:41 unknown-service',
    ]);
  });

  it('hide no size that does not hold', () => {
    const { findings } = compileText(`${HEAD.replace("8080'", "8080', limits: { tokens: 2 }")}
${client('{ a: [s, gone] }')}services:
  a: { headers: { max_line: 300 }, claims: [nothing], scopes: { s: { calls: { b: [r], c: [r] } } } }
  b: { scopes: { r: } }
  c: { scopes: { r: } }
`);
    expect(findings.map(({ code }) => code)).to.have.members([
      'unknown-scope',
      'unknown-claim',
      'too-many-tokens',
      'budget-exceeded',
    ]);
  });
});
