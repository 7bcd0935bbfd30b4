/** The issuer that services test with: it is the real one, so its tokens are what the extractor accepts. */
import path from 'node:path';

import { expect } from 'chai';

import { unfoldTree } from '../../src/token/index.ts';
import { extractor, type RequestContext } from '../../src/middleware/index.ts';
import { testClock, testIssuer, type TestIssuer } from '../../src/testing/index.ts';
import { removeScratch, scratchFile } from '../support/files.ts';
import { shippedGraphs } from '../support/graphs/shipped.ts';

const GRAPHS = path.resolve(import.meta.dirname, '../../graphs');
const DEMO = path.join(GRAPHS, 'demo');

/** What a service gets that receives this token. */
async function received(issuer: TestIssuer, service: string, token: string): Promise<RequestContext> {
  const waybill = extractor(issuer.extractorOptions(service));
  return waybill.authenticate({ authorization: `Bearer ${token}` });
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'none',
    (error: unknown) => (error as { code?: unknown }).code,
  );
}

async function messageOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => '',
    (error: unknown) => (error as Error).message,
  );
}

const shop = `
waybill: 1
issuer: { url: 'https://issuer.example/tenant' }
defaults: { audience: 'https://{name}.shop.example', headers: { profile: go } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB }
    default_scopes: [read]
    calls: { orders: [read, place] }
services:
  orders:
    auth: { method: private_key_jwt, jwks_file: orders.jwks }
    scopes:
      read: { calls: { stock: [look] } }
      place: { calls: { stock: [reserve], payment: { scopes: [charge], mode: exchange } } }
  stock:
    auth: { method: client_secret_post, secret_env: STOCK }
    scopes:
      look: {}
      reserve: { calls: { payment: { scopes: [check], mode: exchange } } }
  payment: { scopes: { charge: {}, check: {} } }
`;

describe('waybill/testing', () => {
  after(removeScratch);

  for (const name of shippedGraphs()) {
    it(`gives every service of ${name} a token that its extractor accepts`, async () => {
      const issuer = await testIssuer(path.join(GRAPHS, name));
      const services = [...issuer.plan.services.keys()];
      expect(services).to.not.be.empty;
      for (const service of services) {
        const { claims } = await received(issuer, service, await issuer.tokenFor(service));
        expect([claims.aud].flat()).to.include(issuer.plan.services.get(service)?.audience);
      }
    });
  }

  describe('a graph whose client asks for itself', () => {
    let issuer: TestIssuer;
    before(async () => {
      issuer = await testIssuer(scratchFile('graph.yaml', shop));
    });

    it('gives the token that the graph gives: audience, scope, caller and client', async () => {
      const { claims } = await received(issuer, 'stock', await issuer.tokenFor('stock'));
      expect(claims).to.include({
        iss: 'https://issuer.example/tenant',
        aud: 'https://stock.shop.example',
        scope: 'look reserve',
        client_id: 'web',
      });
      expect(claims.act).to.deep.equal({ sub: 'orders' });
    });

    it('gives exactly the scopes that are asked for', async () => {
      const token = await issuer.tokenFor('stock', { scope: 'reserve' });
      expect((await received(issuer, 'stock', token)).scopes).to.deep.equal(['reserve']);
    });

    it('fetches a token that no tree carries', async () => {
      const token = await issuer.tokenFor('payment', { caller: 'stock' });
      const { claims, scopes } = await received(issuer, 'payment', token);
      expect(scopes).to.deep.equal(['check']);
      expect(claims.act).to.deep.equal({ sub: 'stock' });
    });

    it('gives a token that has expired', async () => {
      const token = await issuer.tokenFor('payment', { expired: true });
      expect(await codeOf(received(issuer, 'payment', token))).to.equal('token_expired');
    });

    it('gives a client the tree of its default scopes, or of others', async () => {
      const trees = [await issuer.tree('web'), await issuer.tree('web', ['read', 'place'])];
      expect(trees.map(({ scope }) => scope)).to.deep.equal(['read', 'read place']);
      const { children } = unfoldTree(trees[1]?.token ?? '');
      expect(children.map((child) => child.name)).to.deep.equal(['stock']);
    });

    it('answers the exchange of a service without a socket', async () => {
      const token = await issuer.tokenFor('orders', { scope: 'place' });
      const context = await received(issuer, 'orders', token);
      const { authorization = '' } = await context.obtainHeaders('payment');
      const { scopes } = await received(issuer, 'payment', authorization.replace('Bearer ', ''));
      expect(scopes).to.deep.equal(['charge']);
    });

    it('refuses what the graph never issues, and says what it issues', async () => {
      expect(await messageOf(issuer.tokenFor('stock', { scope: 'charge' }))).to.equal(
        'The graph issues no token for stock with the scopes charge. One request gives it: look; reserve.',
      );
      expect(await messageOf(issuer.tokenFor('stok'))).to.equal(
        'The graph has no service stok. Did you mean stock?',
      );
      expect(await codeOf(issuer.tokenFor('stock', { sub: 'alice' }))).to.equal('usage');
      expect(await codeOf(issuer.tokenFor('stock', { caller: 'payment' }))).to.equal('usage');
    });
  });

  describe('a graph with users, references and a gateway', () => {
    let issuer: TestIssuer;
    before(async () => {
      issuer = await testIssuer(DEMO);
    });

    it('carries the user and the claims that the graph gives the service', async () => {
      const claims = { email: 'alice@example.org', name: 'Alice' };
      const token = await issuer.tokenFor('emailservice', { sub: 'alice', claims });
      const seen = (await received(issuer, 'emailservice', token)).claims;
      expect(seen).to.include({ ...claims, sub: 'login:alice', scope: 'confirm' });
    });

    it('swaps the reference of the client as its gateway does', async () => {
      const tree = await issuer.tree('storefront', ['product'], { sub: 'alice' });
      expect(tree.opaque).to.equal(true);
      const token = await issuer.tokenFor('frontend', { scope: 'product' });
      expect((await received(issuer, 'frontend', token)).scopes).to.deep.equal(['product']);
    });

    it('refuses a value for a claim that is not the user’s', async () => {
      const options = { scope: 'product', claims: { tier: 'silver' } };
      expect(await messageOf(issuer.tokenFor('frontend', options))).to.match(/claim tier .* the client sets/);
    });
  });

  it('makes keys for every way to authenticate', async () => {
    const methods = [
      'method: private_key_jwt, jwks_file: keys.jwks',
      "method: private_key_jwt, jwks_uri: 'https://orders.shop.example/jwks'",
      "method: spiffe_jwt, spiffe_id: 'spiffe://shop.example/orders', bundle_file: bundle.json",
      'method: client_secret_post, secret_env: ORDERS',
    ];
    for (const method of methods) {
      const graph = shop.replace('method: private_key_jwt, jwks_file: orders.jwks', method);
      const issuer = await testIssuer(scratchFile('graph.yaml', graph));
      const context = await received(issuer, 'orders', await issuer.tokenFor('orders', { scope: 'place' }));
      expect(await context.obtainHeaders('payment'), method).to.have.property('authorization');
    }
  });

  it('issues where a service authenticates with a certificate, and says that a test has none', async () => {
    const methods = [
      "method: tls_client_auth, subject_dn: 'CN=orders'",
      'method: self_signed_tls_client_auth, jwks_file: keys.jwks',
      "method: spiffe_x509, spiffe_id: 'spiffe://shop.example/orders', bundle_file: bundle.json",
    ];
    for (const method of methods) {
      const graph = shop.replace('method: private_key_jwt, jwks_file: orders.jwks', method);
      const issuer = await testIssuer(scratchFile('graph.yaml', graph));
      const token = await issuer.tokenFor('payment');
      expect((await received(issuer, 'payment', token)).scopes, method).to.deep.equal(['charge']);
      expect(() => issuer.credentialsFor('orders'), method).to.throw(/takes a real TLS connection/);
    }
  });

  it('moves its clock, and with it the time of its tokens', async () => {
    const clock = testClock(1_750_000_000);
    const issuer = await testIssuer(scratchFile('graph.yaml', shop), { clock });
    const token = await issuer.tokenFor('stock');
    expect((await received(issuer, 'stock', token)).claims.iat).to.equal(1_750_000_000);
    clock.advance(300);
    expect(await codeOf(received(issuer, 'stock', token))).to.equal('token_expired');
    clock.set(1_750_000_299);
    expect(await codeOf(received(issuer, 'stock', token))).to.equal('none');
  });

  it('listens on a port for a service in another process', async () => {
    const issuer = await testIssuer(scratchFile('graph.yaml', shop), { port: 0 });
    try {
      const { fetch: _, ...options } = issuer.extractorOptions('stock');
      const token = await issuer.tokenFor('stock');
      const context = await extractor(options).authenticate({ authorization: `Bearer ${token}` });
      expect(context.claims.iss).to.equal(issuer.url);
      expect((await fetch(`${issuer.url}/healthz`)).status).to.equal(200);
    } finally {
      await issuer.close();
    }
  });

  it('hands addresses of others to the fetch of the test', async () => {
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = async (input) => {
      asked.push(input instanceof Request ? input.url : String(input));
      return Response.json({ ok: true });
    };
    const issuer = await testIssuer(scratchFile('graph.yaml', shop), { fetch });
    const context = await received(issuer, 'orders', await issuer.tokenFor('orders', { scope: 'place' }));
    await context.fetch('https://stock.shop.example/items/1');
    expect(asked).to.deep.equal(['https://stock.shop.example/items/1']);
  });

  it('names the errors of a graph that does not compile', async () => {
    const file = scratchFile('graph.yaml', shop.replace('stock: [look]', 'stok: [look]'));
    const error = testIssuer(file);
    expect(await codeOf(error)).to.equal('graph_invalid');
    expect(await messageOf(error)).to.match(/graph\.yaml:\d+ .*stok/);
  });

  it('takes what clients and gateways say of a request, and signs it into the tree', async () => {
    const issuer = await testIssuer(
      scratchFile(
        'paying.yaml',
        `waybill: 1
issuer: { url: 'https://issuer.example' }
defaults: { audience: 'https://{name}.shop.example', headers: { profile: go } }
claims:
  amount: { from: request, type: int }
  ip: { from: request, set_by: gateway, type: string, max_bytes: 48 }
clients:
  till: { auth: { method: client_secret_basic, secret_env: A }, calls: { shop: [pay] } }
  web: { auth: { method: client_secret_basic, secret_env: B }, token: opaque, calls: { shop: [pay] } }
  edge: { auth: { method: client_secret_basic, secret_env: C }, introspect: [shop], calls: { shop: [look] } }
services:
  shop: { scopes: { look: , pay: { claims: [ip], calls: { bank: [charge] } } } }
  bank: { scopes: { charge: { claims: [amount!, ip] } } }
`,
      ),
    );
    const claimsFor = async (client: string, request: Readonly<Record<string, unknown>>) =>
      (await received(issuer, 'bank', await issuer.tokenFor('bank', { client, request }))).claims;
    expect(await claimsFor('till', { amount: 1250 })).to.include({ amount: 1250 });
    expect(await claimsFor('web', { amount: 7, ip: '192.0.2.1' })).to.include({ amount: 7, ip: '192.0.2.1' });
    for (const request of [{}, { amount: '7' }, { amount: 7, ip: '192.0.2.1' }, { amount: 7, other: 1 }])
      expect(await codeOf(issuer.tokenFor('bank', { client: 'till', request }))).to.equal('invalid_request');
    expect((await issuer.tree('till', ['pay'], { request: { amount: 3 } })).request).to.deep.equal({
      amount: 3,
    });
  });
});
