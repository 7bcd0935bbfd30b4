/** What every proxy with a sidecar must do, told of a shop behind it. */
import { expect } from 'chai';

import { unpack } from '../../../src/token/index.ts';
import { claimsOf } from '../shop.ts';
import { removeScratch } from '../../support/files.ts';
import { closeServers } from '../../support/http.ts';
import { stopIssuers } from '../../support/issuer/start.ts';
import { startShop, type CallOptions, type ProxyKind, type ServiceName, type Shop } from './mesh.ts';

/** @param end stops the proxies. */
export function describeProxy(
  title: string,
  isMissing: boolean,
  kind: ProxyKind,
  end: () => Promise<unknown>,
): void {
  describe(title, function () {
    this.timeout(120_000);
    let shop: Shop;
    let started: Shop | undefined;
    let root: string;

    before(async function () {
      if (isMissing) this.skip();
      started = shop = await startShop(kind);
      root = await shop.root('order browse');
    });
    beforeEach(() => {
      shop.seen.splice(0);
      shop.decisions.splice(0);
    });
    after(async () => {
      started?.stop();
      await end();
      await Promise.all([closeServers(), stopIssuers()]);
      removeScratch();
    });

    const bearer = (token: string) => `Bearer ${token}`;
    const order = (options: CallOptions = {}) =>
      shop.call('shop', '/orders', { method: 'POST', authorization: bearer(root), ...options });
    const status = async (service: ServiceName, path: string, options: CallOptions): Promise<number> =>
      (await shop.call(service, path, options)).status;
    const lastCode = () => shop.decisions.at(-1)?.code;
    /** The received token of a service, unpacked. */
    const arrived = (service: ServiceName) => {
      const found = shop.seen.filter((one) => one.service === service);
      expect(found, service).to.have.length(1);
      expect(found[0]?.authorization, service).to.have.length(1);
      const token = found[0]!.authorization[0]!.replace(/^\w+ /, '');
      return claimsOf(bearer(token.startsWith('wb1~') ? unpack(token) : token));
    };

    it('sends each service of a packed tree its own token, and fetches one that is on demand', async () => {
      expect(root).to.match(/^wb1~/);
      const answer = await order();
      expect([answer.status, answer.text]).to.deep.equal([200, 'shop']);
      expect(shop.seen.map(({ service }) => service)).to.deep.equal(['shop', 'stock', 'ads']);
      for (const service of ['shop', 'stock', 'ads'] as const)
        expect(arrived(service)).to.include({ aud: `https://${service}.shop.example` });
      expect(arrived('ads')['act']).to.include({ sub: 'spiffe://shop.example/stock' });
    });

    it('sends a large root, and the child in it', async () => {
      const large = await shop.root('large');
      expect(large.length).to.be.greaterThan(12_000);
      expect(
        await status('shop', '/large', { method: 'POST', authorization: bearer(large) }),
        JSON.stringify(shop.decisions),
      ).to.equal(200);
      expect(arrived('stock')).to.include({ scope: 'bulk' });
    });

    it('threat 15: tells the service of its token in headers that nobody else can set', async () => {
      const forged = {
        'x-waybill-sub': 'admin',
        'X-Waybill-Act': 'admin',
        x_waybill_scope: 'all',
        'x-waybill_txn': '0',
        'x-waybill-claims': 'e30',
      };
      expect((await order({ headers: forged })).status).to.equal(200);
      const [first] = shop.seen;
      const told = Object.entries(first!.headers).filter(([name]) => /^x[-_]waybill/.test(name));
      const { sub, scope, txn } = arrived('shop');
      expect(Object.fromEntries(told)).to.deep.equal({
        'x-waybill-sub': sub,
        'x-waybill-scope': scope,
        'x-waybill-txn': txn,
      });
    });

    it('takes such headers away from what a service sends', async () => {
      const headers = { 'x-waybill-sub': 'admin', x_waybill_act: 'admin' };
      const options = { method: 'POST', authorization: bearer(root), headers };
      expect((await shop.callOut('shop', 'http://stock.shop.example/reserve', options)).status).to.equal(200);
      expect(shop.seen[0]?.headers).to.include({
        'x-waybill-sub': 'web',
        'x-waybill-act': 'spiffe://shop.example/shop',
      });
    });

    it('RFC 9449 section 7.1: takes a root that is bound to a key with a proof of that key alone', async () => {
      const bound = await shop.boundRoot('order');
      const proof = () =>
        shop.signer.proof({
          method: 'POST',
          url: 'https://shop.shop.example/orders',
          token: bound,
          now: Math.floor(Date.now() / 1000),
        });
      const dpop = await proof();
      const as = 'stranger';
      const once = await order({ as, authorization: `DPoP ${bound}`, headers: { dpop } });
      expect([once.status, once.text], JSON.stringify(shop.decisions)).to.deep.equal([200, 'shop']);
      expect((await order({ as, authorization: `DPoP ${bound}`, headers: { dpop } })).status).to.equal(401);
      expect((await order({ as, authorization: `DPoP ${bound}` })).status).to.equal(401);
      expect((await order({ as, authorization: bearer(bound) })).status).to.equal(401);
    });

    it('refuses a revoked token in both directions', async () => {
      const revoked = await shop.root('order browse');
      const authorization = bearer(revoked);
      expect((await order({ authorization })).status).to.equal(200);
      await shop.issuer.token({ token: revoked }, { as: 'web', path: '/revoke' });
      expect((await order({ authorization })).status).to.equal(401);
      const options = { method: 'POST', authorization };
      expect((await shop.callOut('shop', 'http://stock.shop.example/reserve', options)).status).to.equal(401);
    });

    describe('refuses', () => {
      const attempts: readonly (readonly [string, number, string, () => Promise<number>])[] = [
        [
          'a request without a token',
          401,
          'token_missing',
          async () => (await order({ authorization: undefined })).status,
        ],
        [
          'a token with another signature',
          401,
          'token_signature',
          async () => (await order({ authorization: `${bearer(root).slice(0, -8)}AAAAAAAA` })).status,
        ],
        [
          'a root that another than the gateway presents',
          401,
          'token_presenter',
          async () => (await order({ as: 'stranger' })).status,
        ],
        [
          'a certificate that stands in a header alone',
          401,
          'token_presenter',
          async () =>
            (
              await order({
                as: 'stranger',
                headers: {
                  'x-forwarded-client-cert': 'URI=spiffe://shop.example/gateway',
                  'x-client-cert': encodeURIComponent(shop.certificateOf('gateway').cert),
                },
              })
            ).status,
        ],
        [
          'a path of a scope that the token lacks',
          403,
          'scope_insufficient',
          async () => (await order({ authorization: bearer(await shop.root('browse')) })).status,
        ],
        [
          'a path that no scope names',
          403,
          'operation_unlisted',
          () => status('shop', '/admin', { authorization: bearer(root) }),
        ],
        [
          'a root at a callee',
          401,
          'token_audience',
          () => status('stock', '/reserve', { method: 'POST', authorization: bearer(root), as: 'shop' }),
        ],
        [
          'a token that is larger than the graph allows',
          431,
          'token_too_large',
          async () => (await order({ authorization: bearer('a'.repeat(99_000)) })).status,
        ],
      ];
      for (const [what, expected, code, attempt] of attempts)
        it(`${what}: ${expected}`, async () => {
          expect([await attempt(), lastCode()]).to.deep.equal([expected, code]);
          expect(shop.seen).to.deep.equal([]);
        });

      it('a second authorization header: 400', async () => {
        const answer = await shop.raw([
          'POST /orders HTTP/1.1',
          'Host: shop.shop.example',
          'Content-Length: 0',
          `Authorization: ${bearer(root)}`,
          `Authorization: ${bearer(root)}`,
        ]);
        expect(answer).to.match(/^HTTP\/1\.1 40[01] /);
        expect(shop.seen).to.deep.equal([]);
      });

      it('a call to a host that is no callee, without a token, and with none for the callee', async () => {
        const out = async (address: string, authorization: string | undefined = bearer(root)) =>
          (await shop.callOut('shop', address, { method: 'POST', authorization })).status;
        expect(await out('http://elsewhere.example/reserve')).to.equal(403);
        expect(await out('http://ads.shop.example/show')).to.equal(403);
        expect(await out('http://stock.shop.example/reserve', bearer(await shop.root('browse')))).to.equal(
          403,
        );
        expect(await out('http://stock.shop.example/reserve', 'Basic eDp5')).to.equal(401);
        expect(shop.seen).to.deep.equal([]);
      });
    });

    it('knows a callee with and without a port', async () => {
      for (const host of ['stock.shop.example:443', 'stock.shop.example:80', 'STOCK.shop.example']) {
        const sent = { method: 'POST', authorization: bearer(root), headers: { host } };
        expect((await shop.callOut('shop', 'http://x/reserve', sent)).status, host).to.equal(200);
      }
    });

    it('answers 503 where the sidecar is away, and lets nothing through', async () => {
      shop.stopSidecar('ads');
      expect(await status('ads', '/show', { authorization: bearer(root) })).to.equal(503);
      expect(shop.seen).to.deep.equal([]);
    });
  });
}
