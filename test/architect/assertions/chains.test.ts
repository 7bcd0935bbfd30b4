/** `never`, `only` and `reads`: selectors, what is empty, conditions, and how a contradiction is worded. */
import { expect } from 'chai';

import { said, tested } from './tested.ts';

const AUTH = 'auth: { method: client_secret_basic, secret_env: S }';

const SHOP = `waybill: 1
name: shop
issuer: { url: 'https://tokens.shop.example' }
zones: { core: {}, pci: {} }
defaults: { headers: { profile: node }, caller: mtls, zone: core }
subjects: { login: { issuer: 'https://login.example', audience: shop } }
claims: { ssn: { from: subject }, tier: { from: client, max_bytes: 9 } }
clients:
  web:
    owner: team-web
    zone: core
    ${AUTH}
    grants: [token_exchange]
    subjects: [login]
    token: opaque
    claims: { tier: gold }
    calls: { shop: { scopes: [buy, look], when: { buy: { role: [buyer] } } } }
  helper:
    labels: { kind: agent }
    zone: core
    ${AUTH}
    claims: { tier: gold }
    calls: { shop: [look] }
services:
  edge: { ${AUTH}, introspect: [shop] }
  shop:
    ${AUTH}
    scopes:
      buy: { calls: { orders: [place] } }
      look: { claims: [tier] }
  orders:
    namespace: back
    ${AUTH}
    scopes:
      place: { calls: { vault: { scopes: [charge], mode: exchange } } }
  vault:
    zone: pci
    scopes: { charge: { claims: [ssn] }, audit: }
`;

describe('Assertions about chains of calls', () => {
  it('show the shortest chain, and the call that ends it', () => {
    const { results } = tested(
      SHOP,
      "  - test: web never charges\n    never: { from: [web], to: ['vault:charge'] }\n",
    );
    expect(results).to.deep.equal([
      {
        test: 'web never charges',
        file: 'graph.test.yaml',
        line: 3,
        column: 5,
        holds: false,
        findings: [
          {
            code: 'assertion-failed',
            severity: 'error',
            file: 'graph.test.yaml',
            line: 4,
            column: 32,
            message:
              'web never charges: a chain of calls leads to vault:charge: web → shop → orders → vault:charge.',
            hint: 'Take out one of its calls, or change the test.',
            places: [{ file: 'graph.yaml', line: 35, column: 25 }],
          },
        ],
      },
    ]);
  });

  it('take a condition as met: the chain of a scope that few users get counts', () => {
    expect(said(SHOP, "never: { from: [web], to: ['shop:buy'] }")).to.deep.equal([
      'a chain of calls leads to shop:buy: web → shop:buy.',
    ]);
  });

  it('select parties by zone, owner, namespace and label, all of which must fit', () => {
    const never = (selector: string): number =>
      said(SHOP, `never: { from: [${selector}], to: ['vault:charge'] }`).length;
    expect(never('{ owner: team-web }')).to.equal(1);
    expect(never('{ zone: core }')).to.equal(1);
    expect(never('{ namespace: back }')).to.equal(1);
    expect(never('{ label: { kind: agent } }')).to.equal(0);
    expect(
      said(SHOP, "never: { from: [{ zone: pci, owner: team-web }], to: ['vault:charge'] }"),
    ).to.deep.equal([
      'no client and no service fits {zone: pci, owner: team-web}, so there is nothing to judge.',
    ]);
  });

  it('count the client and every caller, and not the callee itself', () => {
    expect(said(SHOP, "only: { to: ['vault:charge'], from: [orders] }")).to.deep.equal([]);
    expect(said(SHOP, "only: { to: ['vault:charge'], from: [web] }")).to.deep.equal([]);
    expect(said(SHOP, "never: { from: [vault], to: ['vault:charge'] }")).to.deep.equal([]);
    expect(said(SHOP, "only: { to: ['vault:charge'], from: [vault, edge] }")).to.deep.equal([
      'a chain of calls leads to vault:charge past all of them: web → shop → orders → vault:charge.',
    ]);
  });

  it('fail where a selector fits nobody or no client reaches the scope, unless they may be empty', () => {
    const empty = "from: [{ owner: nobody }], to: ['vault:audit']";
    for (const form of ['never', 'only']) {
      expect(said(SHOP, `${form}: { ${empty} }`)).to.deep.equal([
        'no client and no service fits {owner: nobody}, so there is nothing to judge.',
        'no client reaches vault:audit, so there is nothing to judge.',
      ]);
      expect(said(SHOP, `${form}: { ${empty} }\nmay_be_empty: true`)).to.deep.equal([]);
    }
  });

  it('name only what the graph has', () => {
    expect(
      said(SHOP, "never: { from: [wep, { zone: cor }], to: ['volt:charge', 'vault:chargee'] }"),
    ).to.deep.equal([
      'unknown-caller: There is no client or service wep.',
      'unknown-zone: There is no zone cor.',
      'unknown-service: There is no service volt.',
      'unknown-scope: vault has no scope chargee.',
    ]);
  });
});

describe('Assertions about the readers of a claim', () => {
  it('count the audience, whoever fetches or carries the token, and the client that gets it', () => {
    expect(said(SHOP, 'reads: { claim: ssn, only: [vault, orders] }')).to.deep.equal([]);
    expect(said(SHOP, 'reads: { claim: ssn, only: [{ zone: pci }] }')).to.deep.equal([
      'orders can read ssn in the token of vault: web → shop → orders → vault.',
    ]);
    expect(said(SHOP, 'reads: { claim: tier, only: [shop, edge] }')).to.deep.equal([
      'helper can read tier in the token of shop: helper → shop.',
    ]);
  });

  it('count gateways, and not a client whose tokens are opaque', () => {
    expect(said(SHOP, 'reads: { claim: tier, only: [shop, helper] }')).to.deep.equal([
      'edge can read tier in the token of shop: web → shop.',
    ]);
  });

  it('fail for a claim that no token carries, unless it may be so, and for an unknown one in any case', () => {
    const idle = SHOP.replace('audit:', 'audit: { claims: [pin] }').replace(
      '{ ssn:',
      '{ pin: { value: 1 }, ssn:',
    );
    expect(said(idle, 'reads: { claim: pin, only: [vault] }')).to.deep.equal([
      'no token carries the claim pin, so there is nothing to judge.',
    ]);
    expect(said(idle, 'reads: { claim: pin, only: [vault] }\nmay_be_empty: true')).to.deep.equal([]);
    expect(said(SHOP, 'reads: { claim: pim, only: [vault] }\nmay_be_empty: true')).to.deep.equal([
      'unknown-claim: No service and no scope names the claim pim.',
    ]);
  });
});

describe('A file of tests', () => {
  it('has one form in each test', () => {
    expect(said(SHOP, 'may_be_empty: true')).to.deep.equal([
      'missing-key: This test does not say what must hold.',
    ]);
    expect(
      said(SHOP, "never: { from: [web], to: ['vault:charge'] }\nreads: { claim: ssn, only: [vault] }"),
    ).to.deep.equal(['invalid-value: This test has both `never` and `reads`.']);
    expect(
      said(SHOP, 'reads: { claim: ssn, only: [vault] }\nexpect: { error: invalid_scope }'),
    ).to.deep.equal(['unknown-key: `expect` says what a request gets, and this test has `reads`.']);
    expect(said(SHOP, 'request: { client: helper }')).to.deep.equal([
      'missing-key: This test makes a request and does not say what it gets.',
    ]);
  });

  it('runs none of its tests where its shape is wrong', () => {
    const { results, findings } = tested(SHOP, '  - test: T\n    nevr: {}\n  - test: U\n');
    expect(results).to.deep.equal([]);
    expect(findings.map(({ file, code, message }) => [file, code, message])).to.deep.equal([
      ['graph.test.yaml', 'unknown-key', 'tests.0 has no key `nevr`.'],
    ]);
    expect(tested(SHOP, '').findings.map(({ code }) => code)).to.deep.equal(['wrong-type']);
  });

  it('takes a name that no party can have for an unknown one', () => {
    expect(said(SHOP, "never: { from: ['we*'], to: ['vault:charge'] }")).to.deep.equal([
      'unknown-caller: There is no client or service we*: names are compared exactly, and are no patterns.',
    ]);
  });
});
