/**
 * A real issuer, real Envoys with the exported configuration, and services that know nothing of Waybill: the right child
 * arrives at each hop, and attacks are refused.
 */
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';

import { expect } from 'chai';
import { decodeJwt } from 'jose';

import { needsEnvoy, hasEnvoy, stopEnvoys } from '../../../support/envoy.ts';
import { removeScratch } from '../../../support/files.ts';
import { closeServers } from '../../../support/http.ts';
import { stopIssuers } from '../../../support/issuer/start.ts';
import { tokenAt } from '../../../support/issuer/trees.ts';
import { SERVICES, startShop, type CallOptions, type ServiceName, type Shop } from './shop.ts';

/** Sends what no client library would. */
async function rawRequest(shop: Shop, lines: readonly string[]): Promise<string> {
  const { chain, key } = shop.certificateOf('gateway');
  const options = { host: '127.0.0.1', port: shop.inboundPort('shop'), cert: chain, key, ca: shop.ca.cert };
  const socket = connect(options, () => socket.write([...lines, 'Connection: close', '', ''].join('\r\n')));
  return text(socket);
}

describe(`a shop behind Envoy${needsEnvoy}`, function () {
  this.timeout(120_000);
  let shop: Shop;
  let root: string;
  const child = (...path: string[]) => tokenAt(root, ...path).compact;

  before(async function () {
    if (!hasEnvoy) this.skip();
    shop = await startShop();
    root = await shop.root('order browse');
  });
  beforeEach(() => void shop.seen.splice(0));
  after(async () => {
    await stopEnvoys();
    await Promise.all([closeServers(), stopIssuers()]);
    removeScratch();
  });

  const status = async (service: ServiceName, path: string, options: CallOptions): Promise<number> =>
    (await shop.call(service, path, options)).status;
  const tokensSeen = () =>
    Object.fromEntries(shop.seen.map(({ service, authorization }) => [service, authorization]));

  it('sends each service of a tree its own token, and nobody another', async () => {
    const answer = await shop.call('shop', '/orders', { method: 'POST', token: root });
    expect([answer.status, answer.text]).to.deep.equal([200, 'shop']);
    expect(tokensSeen()).to.deep.equal({
      shop: [`Bearer ${root}`],
      'stock.v1': [`Bearer ${child('stock.v1')}`],
      pay: [`Bearer ${child('pay')}`],
      warehouse: [`Bearer ${child('stock.v1', 'warehouse')}`],
    });
  });

  it('sends a root of 49 KB, and the child of 36 KB in it', async () => {
    const large = await shop.root('large');
    expect(large.length).to.be.within(48_000, 52_000);
    expect(await status('shop', '/large', { method: 'POST', token: large })).to.equal(200);
    expect(tokensSeen()).to.deep.equal({
      shop: [`Bearer ${large}`],
      'stock.v1': [`Bearer ${tokenAt(large, 'stock.v1').compact}`],
      warehouse: [`Bearer ${tokenAt(large, 'stock.v1', 'warehouse').compact}`],
    });
  });

  it('tells the service of its token in headers that nobody else can set', async () => {
    const forged = {
      'x-waybill-sub': 'admin',
      'X-Waybill-Act': 'admin',
      x_waybill_scope: 'all',
      'x.waybill.act': 'admin',
      'x!waybill~act': 'admin',
      'x-waybill-peer-uris': 'spiffe://shop.example/gateway',
      'x-waybill_txn': '0',
      'x-waybill-claims': 'e30',
    };
    await shop.call('shop', '/orders', { method: 'POST', token: root, headers: forged });
    for (const { service, headers } of shop.seen) {
      const { sub, scope, txn, act } = decodeJwt<{ act?: { sub: string } }>(
        headers.authorization!.slice('Bearer '.length),
      );
      const told = Object.entries(headers).filter(([name]) => /^x.waybill/.test(name));
      expect(Object.fromEntries(told), service).to.deep.equal({
        'x-waybill-sub': sub,
        'x-waybill-scope': scope,
        'x-waybill-txn': txn,
        ...(act ? { 'x-waybill-act': act.sub } : {}),
      });
    }
    expect(shop.seen).to.have.length(SERVICES.length);
  });

  it('takes such headers away from what a service sends', async () => {
    const headers = { 'x-waybill-sub': 'admin', x_waybill_act: 'admin', 'x.waybill.act': 'admin' };
    const sent = { method: 'POST', token: root, headers };
    await shop.callOut('shop', 'http://pay.shop.example/charge', sent);
    expect(shop.seen[0]?.headers).to.include({ 'x-waybill-act': 'spiffe://shop.example/shop' });
    expect(shop.seen[0]?.headers['x-waybill-sub']).to.equal('web');
    expect(shop.seen[0]?.headers).to.not.have.any.keys('x_waybill_act', 'x.waybill.act');
  });

  describe('refuses', () => {
    const post = { method: 'POST' };
    const shopIdentity = () => shop.certificateOf('shop');
    const refusals: readonly (readonly [string, number, () => Promise<number>])[] = [
      ['a request without a token', 401, () => status('shop', '/orders', post)],
      ['a token in the query', 401, () => status('shop', `/orders?access_token=${root}`, post)],
      [
        'a token with another signature',
        401,
        () => status('shop', '/orders', { ...post, token: `${root.slice(0, -8)}AAAAAAAA` }),
      ],
      [
        'a scheme that is not Bearer',
        401,
        () => status('shop', '/orders', { ...post, headers: { authorization: `DPoP ${root}` } }),
      ],
      ['something behind the token', 401, () => status('shop', '/orders', { ...post, token: `${root}, x` })],
      [
        'a path of a scope that the token lacks',
        403,
        async () => status('shop', '/orders', { ...post, token: await shop.root('browse') }),
      ],
      [
        'a scope of a client that the graph does not give it',
        403,
        async () => status('shop', '/large', { ...post, token: await shop.root('browse', 'mobile') }),
      ],
      ['another method', 403, () => status('shop', '/orders', { token: root })],
      ['a path that no scope names', 403, () => status('shop', '/admin', { token: root })],
      [
        'a child at another service',
        403,
        () => status('pay', '/charge', { ...post, token: child('stock.v1'), as: shopIdentity() }),
      ],
      [
        'a root at a callee',
        403,
        () => status('stock.v1', '/reserve', { ...post, token: root, as: shopIdentity() }),
      ],
      [
        'a child that another service presents',
        403,
        () => status('pay', '/charge', { ...post, token: child('pay'), as: shop.certificateOf('warehouse') }),
      ],
      [
        'a child that the gateway presents',
        403,
        () => status('pay', '/charge', { ...post, token: child('pay') }),
      ],
      ...['gateway', 'stranger'].map((other): (typeof refusals)[number] => [
        `a root from a certificate with a second URI, that of ${other}`,
        403,
        () => {
          const uris = ['spiffe://shop.example/gateway', `spiffe://shop.example/${other}`];
          const as = shop.ca.issue({ commonName: 'both', uris: [...uris].reverse() });
          return status('shop', '/orders', { ...post, token: root, as });
        },
      ]),
      [
        'a root that is presented by another than the gateway',
        403,
        () => status('shop', '/orders', { ...post, token: root, as: shop.certificateOf('stranger') }),
      ],
      [
        'a grandchild that the caller of its caller presents',
        403,
        () =>
          status('warehouse', '/pick', {
            ...post,
            token: child('stock.v1', 'warehouse'),
            as: shopIdentity(),
          }),
      ],
    ];
    for (const [what, expected, attempt] of refusals) {
      it(`${what}: ${expected}`, async () => {
        expect(await attempt()).to.equal(expected);
        expect(shop.seen).to.deep.equal([]);
      });
    }

    it('a second authorization header', async () => {
      const answer = await rawRequest(shop, [
        'POST /orders HTTP/1.1',
        'Host: shop.shop.example',
        `Authorization: Bearer ${root}`,
        `Authorization: Bearer ${root}`,
      ]);
      expect(answer).to.match(/^HTTP\/1\.1 40[13] /);
      expect(shop.seen).to.deep.equal([]);
    });

    it('a connection without a certificate', async () => {
      const error = await shop.call('shop', '/orders', { ...post, token: root, as: 'nobody' }).then(
        () => 'answered',
        (failed: unknown) => String(failed),
      );
      expect(error).to.not.equal('answered');
      expect(shop.seen).to.deep.equal([]);
    });
  });

  describe('paths', () => {
    const look = async (path: string) => status('shop', path, { token: await shop.root('browse') });
    it('lets a parameter stand for one segment', async () => {
      expect(await look('/items/7')).to.equal(200);
      expect(await look('/items/7?color=red')).to.equal(200);
      expect(await look('/items/7/8')).to.equal(403);
      expect(await look('/items/')).to.equal(403);
      expect(shop.seen.map(({ path }) => path)).to.deep.equal(['/items/7', '/items/7?color=red']);
    });
    for (const path of [
      '/items/new',
      '/items/NEW',
      '/items/%6eew',
      '/items/new/',
      '/items//new',
      '/items/x/../new',
      '/items/new;a=1',
    ])
      it(`leaves ${path} to the scope that names it`, async () => {
        expect(await look(path)).to.equal(403);
        expect(shop.seen).to.deep.equal([]);
      });
    for (const path of [
      '/items/a%2fb',
      '/items/a%5Cb',
      '/items/%252e%252e',
      '/items/%c0%ae',
      '/items/..%3b',
      '/items/..',
      '/x/..//items/./7',
    ])
      it(`refuses ${path}, which servers read differently`, async () => {
        expect(await look(path)).to.be.oneOf([400, 403]);
        expect(shop.seen).to.deep.equal([]);
      });
  });

  describe('outbound', () => {
    const out = async (address: string, token: string | undefined = root) =>
      (await shop.callOut('shop', address, { method: 'POST', ...(token === '' ? {} : { token }) })).status;
    it('denies a host that is no callee', async () => {
      expect(await out('http://elsewhere.example/charge')).to.equal(403);
      expect(await out('http://warehouse.shop.example/pick')).to.equal(403);
      expect(await out('http://flags/evaluate')).to.equal(403);
    });
    it('denies a call for which the token has no child', async () => {
      expect(await out('http://pay.shop.example/charge', await shop.root('browse'))).to.equal(403);
      expect(shop.seen).to.deep.equal([]);
    });
    it('denies a call without a token, and with that of another service', async () => {
      expect(await out('http://pay.shop.example/charge', '')).to.equal(401);
      expect(await out('http://pay.shop.example/charge', child('stock.v1'))).to.equal(403);
      expect(shop.seen).to.deep.equal([]);
    });
    for (const host of [
      'pay.shop.example',
      'pay.shop.example:80',
      'pay.shop.example:443',
      'PAY.shop.example',
    ])
      it(`knows a callee as ${host}`, async () => {
        const sent = { method: 'POST', token: root, headers: { host } };
        expect((await shop.callOut('shop', 'http://x/charge', sent)).status).to.equal(200);
        expect(tokensSeen()).to.deep.equal({ pay: [`Bearer ${child('pay')}`] });
      });
  });

  it('warns of nothing in its log', () => {
    const lines = shop.envoys.flatMap((envoy) => envoy.log().split('\n'));
    const known = /global_downstream_max_connections|^$/;
    expect(lines.filter((line) => !known.test(line))).to.deep.equal([]);
  });
});
