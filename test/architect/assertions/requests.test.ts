/** `request`: what the issuer would grant, held against what a test expects. */
import { expect } from 'chai';
import { conditional } from '../../support/graphs/conditional.ts';

import { said } from './tested.ts';

const AUTH = 'auth: { method: client_secret_basic, secret_env: S }';

const SHOP = `waybill: 1
name: shop
issuer: { url: 'https://tokens.shop.example', lifetime: 5m, lineage: full }
defaults: { headers: { profile: node }, caller: mtls }
subjects:
  login: { issuer: 'https://login.example', audience: shop }
  other: { issuer: 'https://other.example', audience: shop }
claims:
  role: { from: subject, path: realm.roles }
  email: { from: subject, max_bytes: 20 }
  region: { value: eu }
clients:
  web:
    ${AUTH}
    grants: [token_exchange]
    subjects: [login]
    default_scopes: [look]
    calls: { shop: { scopes: [buy, look], when: { buy: { role: [buyer] } } } }
  job:
    ${AUTH}
    default_scopes: [look]
    calls: { shop: [look], news: [front] }
services:
  shop:
    ${AUTH}
    lifetime: 4m
    scopes:
      buy: { calls: { orders: [place] } }
      look: { calls: { catalog: [read] } }
  orders:
    ${AUTH}
    scopes:
      place:
        claims: [email!]
        calls: { vault: { scopes: [charge], mode: exchange }, queue: { mode: none } }
  vault: { lifetime: 30s, scopes: { charge: { claims: [role, region] } }, calls: { audit: [log] } }
  audit: { scopes: { log: } }
  catalog: { scopes: { read: } }
  news: { scopes: { front: { calls: { ads: { scopes: [show], mode: forward } } } } }
  ads: { caller: none, accepts_forward: [news], scopes: { show: } }
`;

const BUY =
  'request: { client: web, scope: buy, subject: { provider: login, sub: u1, role: [buyer], email: a@b.c } }';
const expecting = (expectation: string, request = BUY): string[] =>
  said(SHOP, `${request}\nexpect: ${expectation}`);

describe('An assertion about a request', () => {
  it('compares scopes, claims, mode, chain and lifetime of the tokens that it names', () => {
    expect(
      expecting(`{ scope: [buy], fits: true, tokens: {
        shop: { scopes: [buy], claims: [], mode: embed, chain: [], lifetime: 4m },
        shop/orders: { scopes: [place], claims: { email: a@b.c }, chain: [shop, web], lifetime: 240 },
        shop/orders/vault: { claims: { role: [buyer], region: eu }, mode: exchange, chain: [orders, shop, web], lifetime: 30s },
        shop/orders/vault/audit: { scopes: [log], mode: embed, chain: [vault, orders, shop, web], lifetime: 30s } },
        absent: [shop/catalog, shop/orders/catalog, orders], exact: true }`),
    ).to.deep.equal([]);
  });

  it('says of each difference what is and what was expected', () => {
    expect(
      expecting(`{ scope: [look], tokens: {
        shop: { scopes: [], mode: exchange, chain: [web], lifetime: 5m },
        shop/orders: { claims: [] },
        shop/orders/vault: { claims: { role: buyer, email: x } },
        shop/catalog: {},
        orders: {} },
        absent: [shop/orders] }`),
    ).to.deep.equal([
      'the granted scopes are buy, not look.',
      '`scopes` of the token at shop is buy, not none.',
      '`mode` of the token at shop is embed, not exchange.',
      '`chain` of the token at shop is none, not web.',
      '`lifetime` of the token at shop is 240s, not 300s.',
      '`claims` of the token at shop/orders is email, not none.',
      'the claim role of the token at shop/orders/vault is ["buyer"], not "buyer".',
      'the claim email of the token at shop/orders/vault is absent, not "x".',
      'there is no token at shop/catalog: shop with buy calls no catalog with a token.',
      'there is no token at orders: the entry is shop.',
      'there is a token at shop/orders, with place.',
    ]);
  });

  it('with `exact` finds a token that is not named, fetched ones too, and none that is only above one', () => {
    expect(expecting('{ exact: true, tokens: { shop/orders: {} } }')).to.deep.equal([
      'there is another token, at shop/orders/vault, with charge.',
    ]);
    expect(expecting('{ exact: true, tokens: { shop/orders/vault/audit: {} } }')).to.deep.equal([]);
    expect(expecting('{ exact: true }')).to.deep.equal([
      'there is another token, at shop/orders, with place.',
    ]);
  });

  it('shows a forwarded token with the scopes of its callee, and not as another token', () => {
    const front = 'request: { client: job, scope: front }';
    const forwarded = '{ scopes: [show], mode: forward, chain: [], claims: [] }';
    expect(expecting(`{ scope: [front], tokens: { news/ads: ${forwarded} } }`, front)).to.deep.equal([]);
    expect(expecting('{ exact: true, tokens: { news: {} } }', front)).to.deep.equal([]);
  });

  it('has no token that the issuer would refuse to a service that fetches it', () => {
    const graph = SHOP.replace('{ log: }', '{ log: { claims: [tel!] } }').replace(
      'region:',
      'tel: { from: subject }\n  region:',
    );
    expect(said(graph, `${BUY}\nexpect: { absent: [shop/orders/vault] }`)).to.deep.equal([]);
    expect(said(graph, `${BUY}\nexpect: { tokens: { shop/orders/vault: {} } }`)).to.deep.equal([
      'there is no token at shop/orders/vault: audit needs the claim tel, which has no value here.',
    ]);
  });

  it('asks conditions of the user', () => {
    const asked = (role: string): string =>
      `request: { client: web, scope: buy look, subject: { provider: login, role: ${role}, email: a@b.c } }`;
    expect(expecting('{ scope: [buy, look] }', asked('[seller, buyer]'))).to.deep.equal([]);
    expect(expecting('{ scope: [look], absent: [shop/orders] }', asked('[seller]'))).to.deep.equal([]);
    expect(expecting('{ scope: [buy, look] }', asked('seller'))).to.deep.equal([
      'the granted scopes are look, not buy, look.',
    ]);
  });

  it('is refused as the issuer refuses it', () => {
    const error = (code: string, request: string): string[] =>
      expecting(`{ error: ${code} }`, `request: { ${request} }`);
    const user = (more: string): string => `subject: { provider: login${more} }`;
    expect(error('invalid_scope', 'client: job, scope: buy')).to.deep.equal([]);
    expect(error('invalid_scope', `client: web, scope: buy, ${user('')}`)).to.deep.equal([]);
    expect(error('invalid_target', "client: job, resource: 'https://nowhere.example'")).to.deep.equal([]);
    // a required claim without a value, one that is too large, a provider of others, a grant of others
    expect(error('invalid_request', `client: web, scope: buy, ${user(', role: buyer')}`)).to.deep.equal([]);
    expect(
      error('invalid_request', `client: web, scope: buy, ${user(`, role: buyer, email: ${'x'.repeat(30)}`)}`),
    ).to.deep.equal([]);
    expect(error('invalid_request', 'client: web, subject: { provider: other }')).to.deep.equal([]);
    expect(error('unauthorized_client', 'client: web')).to.deep.equal([]);
    expect(error('unauthorized_client', `client: job, ${user('')}`)).to.deep.equal([]);
  });

  it('says which error came, and which did not', () => {
    expect(expecting('{ error: invalid_scope }')).to.deep.equal([
      'the request is not refused with invalid_scope; shop grants buy.',
    ]);
    expect(expecting('{ error: invalid_target }', 'request: { client: job, scope: buy }')).to.deep.equal([
      'the request is refused with invalid_scope, not with invalid_target: job may not ask for: buy. It may ask for: look front.',
    ]);
    expect(expecting('{ scope: [buy] }', 'request: { client: job, scope: buy }')).to.deep.equal([
      'the request is refused with invalid_scope: job may not ask for: buy. It may ask for: look front.',
    ]);
    expect(expecting('{ error: invalid_scope, scope: [buy] }')).to.deep.equal([
      'invalid-value: A refused request has no `scope`.',
    ]);
  });

  it('with `fits` counts the largest values that claims can have, and the scopes that are asked for', () => {
    // Each scope fits by itself, both together do not: a graph may have such, with a warning.
    const tight = SHOP.replace('profile: node', 'max_line: 2400');
    const both = BUY.replace('scope: buy', 'scope: buy look');
    expect(said(tight, `${BUY}\nexpect: { fits: true }`)).to.deep.equal([]);
    expect(said(tight, `${both}\nexpect: { fits: true }`)).to.deep.equal([
      'a token does not fit the header budget of its hop.',
    ]);
  });

  it('names only what the graph has', () => {
    const subject = 'provider: logn, region: us, rol: x';
    expect(
      expecting(
        '{ tokens: { shop/ordrs: { claims: [emal] } }, absent: [shp] }',
        `request: { client: wep, subject: { ${subject} } }`,
      ),
    ).to.deep.equal([
      'unknown-caller: There is no client wep.',
      'unknown-subject: There is no provider logn.',
      'invalid-value: The claim region is not one of the user.',
      'unknown-claim: No service, no scope and no condition names the claim rol.',
      'unknown-service: There is no service ordrs.',
      'unknown-claim: No service and no scope names the claim emal.',
      'unknown-service: There is no service shp.',
    ]);
  });

  it('says what the client and the gateway say of the request', () => {
    const graph = `waybill: 1
name: shop
issuer: { url: 'https://tokens.shop.example' }
defaults: { headers: { profile: node } }
claims:
  amount: { from: request, type: int }
  currency: { from: request, type: string, values: [EUR, USD] }
  ip: { from: request, set_by: gateway, type: string, max_bytes: 48 }
clients:
  till: { ${AUTH}, calls: { shop: [pay, read] } }
  web: { ${AUTH}, token: opaque, calls: { shop: [pay, look] } }
  edge: { ${AUTH}, introspect: [shop], calls: { shop: [read] } }
services:
  shop:
    ${AUTH}
    scopes: { read: , look: { claims: [ip!] }, pay: { calls: { bank: { scopes: [charge], mode: exchange } } } }
  bank: { scopes: { charge: { claims: [amount!, currency, ip] } } }
`;
    const judged = (request: string, expectation: string) =>
      said(graph, `request: { ${request} }\nexpect: ${expectation}`);
    const paid = '{ tokens: { shop/bank: { claims: { amount: 5, currency: EUR } } } }';
    expect(judged('client: till, scope: pay, request: { amount: 5, currency: EUR }', paid)).to.deep.equal([]);
    const claims = '{ amount: 5, ip: 192.0.2.1 }';
    const swapped = `{ tokens: { shop/bank: { claims: ${claims} } } }`;
    expect(judged(`client: web, scope: pay, request: ${claims}`, swapped)).to.deep.equal([]);
    for (const [request, error] of [
      ['client: till, scope: pay, request: { amount: 5.5 }', 'invalid_authorization_details'],
      ['client: till, scope: pay, request: { amount: 5, currency: GBP }', 'invalid_authorization_details'],
      ['client: till, scope: pay, request: { amount: 5, ip: x }', 'invalid_authorization_details'],
      ['client: web, scope: look, request: { ip: 5 }', 'invalid_request'],
      ['client: web, scope: look', 'invalid_request'],
    ] as const)
      expect(judged(request, `{ error: ${error} }`), request).to.deep.equal([]);
    expect(judged('client: till, scope: pay', '{ absent: [shop/bank] }')).to.deep.equal([]);
    expect(judged('client: till, scope: pay, request: { amuont: 5 }', '{ scope: [pay] }')).to.deep.equal([
      'unknown-claim: No claim of the request has the name amuont.',
    ]);
  });

  it('is refused where it needs what is not implemented yet, and never ignored', () => {
    expect(expecting('{ tokens: { shop: { mode: async } } }', 'request: { client: web }')).to.deep.equal([
      'not-yet: `mode: async` in a test is not implemented yet.',
    ]);
  });

  it('says which login of the user gives more, beside the tree or as an error', () => {
    const judged = (request: string, expectation: string) =>
      said(conditional(), `request: { client: desk, ${request} }\nexpect: ${expectation}`);
    const user = (acr: string, age: number) =>
      `subject: { provider: workforce, role: [support] }, auth: { acr: '${acr}', age: ${age} }`;
    const pay = (acr: string, age: number) => `scope: pay, ${user(acr, age)}, request: { amount: 101 }`;
    const both = "acr_values: 'urn:w:2fa urn:w:hw', max_age: 300";
    expect(
      judged(pay('urn:w:2fa', 300), '{ tokens: { front/payment: { scopes: [charge] } } }'),
    ).to.deep.equal([]);
    expect(judged(pay('urn:w:2fa', 301), `{ absent: [front/payment], step_up: { ${both} } }`)).to.deep.equal(
      [],
    );
    expect(judged(pay('urn:w:pwd', 10), "{ step_up: { acr_values: 'urn:w:2fa urn:w:hw' } }")).to.deep.equal(
      [],
    );
    expect(judged(pay('urn:w:pwd', 10), `{ step_up: { ${both} } }`)).to.deep.equal([
      'the login that is asked for is acr_values: urn:w:2fa urn:w:hw, not acr_values: urn:w:2fa urn:w:hw, max_age: 300.',
    ]);
    expect(judged(pay('urn:w:2fa', 10), '{ step_up: { max_age: 300 } }')).to.deep.equal([
      'no other login is asked for, not max_age: 300.',
    ]);
    const guarded = conditional({ staff: 'provider == "workforce" && auth.age <= 60' });
    const refused = (expectation: string) =>
      said(
        guarded,
        `request: { client: desk, scope: refund, ${user('urn:w:2fa', 61)} }\nexpect: ${expectation}`,
      );
    expect(refused('{ error: insufficient_user_authentication, max_age: 60 }')).to.deep.equal([]);
    expect(refused('{ error: insufficient_user_authentication, max_age: 61 }')).to.have.lengthOf(1);
    expect(refused('{ error: insufficient_user_authentication }')).to.deep.equal([]);
    expect(judged('scope: pay, auth: { age: 1 }', '{ scope: [pay] }')).to.deep.equal([
      'invalid-value: `auth` is of a user.',
    ]);
    expect(judged(pay('x', 1), '{ max_age: 1 }')).to.deep.equal([
      'invalid-value: `acr_values` and `max_age` are of an error.',
    ]);
  });
});
