/**
 * What every proxy with a sidecar must do in report mode, told of a shop that adopts Waybill: shop and stock report, ads
 * enforces.
 */
import { expect } from 'chai';

import { removeScratch } from '../../support/files.ts';
import { closeServers } from '../../support/http.ts';
import { stopIssuers } from '../../support/issuer/start.ts';
import { startShop, type CallOptions, type ProxyKind, type ServiceName, type Shop } from './mesh.ts';

/** @param end stops the proxies. */
export function describeReporting(
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
      started = shop = await startShop(kind, ['shop', 'stock']);
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
    const reports = () =>
      shop.decisions
        .filter(({ code }) => code !== 'allowed')
        .map(({ direction, code, reported }) => [direction, code, reported ?? false]);
    const identityHeaders = () =>
      shop.seen.flatMap(({ headers }) => Object.keys(headers).filter((name) => /^x[-_]waybill/.test(name)));

    it('reports nothing of a request that enforcement accepts, and tells the service of its token', async () => {
      const order = { method: 'POST', authorization: bearer(root) };
      const answer = await shop.call('shop', '/orders', order);
      expect([answer.status, answer.text]).to.deep.equal([200, 'shop']);
      expect(shop.seen.map(({ service }) => service)).to.deep.equal(['shop', 'stock', 'ads']);
      for (const { headers } of shop.seen)
        expect(headers).to.include.keys('x-waybill-sub', 'x-waybill-scope');
      expect(reports()).to.deep.equal([]);
    });

    it('lets a client without a token in as far as services report, and one that enforces refuses', async () => {
      expect((await shop.call('shop', '/orders', { method: 'POST' })).status).to.equal(502);
      expect(shop.seen.map(({ service }) => service)).to.deep.equal(['shop', 'stock']);
      expect(shop.seen.flatMap(({ authorization }) => authorization)).to.deep.equal([]);
      expect(identityHeaders()).to.deep.equal([]);
      expect(reports()).to.deep.equal([
        ['inbound', 'token_missing', true],
        ['outbound', 'token_missing', true],
        ['inbound', 'token_missing', true],
        ['outbound', 'token_missing', true],
        ['inbound', 'token_missing', false],
      ]);
    });

    const wrong: readonly (readonly [
      what: string,
      code: string,
      ask: () => Promise<readonly [ServiceName, string, CallOptions]>,
    ])[] = [
      ['no token', 'token_missing', async () => ['shop', '/orders', {}]],
      ['another scheme', 'token_missing', async () => ['shop', '/items/7', { authorization: 'Basic eDp5' }]],
      [
        'another signature',
        'token_signature',
        async () => ['shop', '/items/7', { authorization: `${bearer(root).slice(0, -8)}AAAAAAAA` }],
      ],
      [
        'the certificate of another',
        'token_presenter',
        async () => ['shop', '/items/7', { authorization: bearer(root), as: 'stranger' }],
      ],
      [
        'no certificate',
        'token_presenter',
        async () => ['shop', '/items/7', { authorization: bearer(root), as: 'nobody' }],
      ],
      [
        'a scope that does not allow the path',
        'scope_insufficient',
        async () => ['shop', '/large?x', { method: 'POST', authorization: bearer(root) }],
      ],
      [
        'a path that no scope names',
        'operation_unlisted',
        async () => ['shop', '/admin', { authorization: bearer(root) }],
      ],
      [
        'a path that servers read differently',
        'path_ambiguous',
        async () => ['shop', '/items/a%2fb', { authorization: bearer(root) }],
      ],
      [
        'a root at a callee',
        'token_audience',
        async () => ['stock', '/reserve', { authorization: bearer(root), as: 'shop' }],
      ],
      [
        'a token that is larger than the graph allows',
        'token_too_large',
        async () => ['shop', '/items/7', { authorization: bearer('a'.repeat(99_000)) }],
      ],
      [
        'a revoked token',
        'token_inactive',
        async () => {
          const token = await shop.root('browse');
          await shop.issuer.token({ token }, { as: 'web', path: '/revoke' });
          return ['shop', '/items/7', { authorization: bearer(token) }];
        },
      ],
    ];
    for (const [what, code, ask] of wrong)
      it(`threat 120: passes and reports ${what} (${code}), and names nobody`, async () => {
        const [service, path, options] = await ask();
        const forged = { 'x-waybill-sub': 'admin', x_waybill_scope: 'all', 'x-waybill-claims': 'e30' };
        const answer = await shop.call(service, path, { headers: forged, ...options });
        expect(answer.status, JSON.stringify(shop.decisions)).to.equal(200);
        expect(reports()).to.deep.equal([['inbound', code, true]]);
        expect(shop.seen).to.have.length(1);
        expect(identityHeaders()).to.deep.equal([]);
        const { authorization } = options;
        expect(shop.seen[0]!.authorization).to.deep.equal(authorization === undefined ? [] : [authorization]);
      });

    it('sends a call without a token where there is none for it, and never with the service’s own', async () => {
      const sent = { method: 'POST', authorization: bearer(await shop.root('browse')) };
      expect((await shop.callOut('shop', 'http://stock.shop.example/reserve', sent)).status).to.equal(502);
      expect(shop.seen.map(({ service, authorization }) => [service, authorization])).to.deep.equal([
        ['stock', []],
      ]);
      expect(reports()[0]).to.deep.equal(['outbound', 'child_missing', true]);
      for (const authorization of [`${bearer(root).slice(0, -8)}AAAAAAAA`, 'Basic eDp5']) {
        shop.seen.splice(0);
        await shop.callOut('shop', 'http://stock.shop.example/other', { authorization });
        expect(shop.seen.map((one) => one.authorization)).to.deep.equal([[]]);
      }
    });

    it('refuses a host that is no callee', async () => {
      const sent = { authorization: bearer(root) };
      expect((await shop.callOut('shop', 'http://elsewhere.example/', sent)).status).to.equal(403);
      expect(shop.seen).to.deep.equal([]);
    });

    it('answers 503 where the sidecar is away', async () => {
      shop.stopSidecar('stock');
      const options = { authorization: bearer(root), as: 'shop' };
      expect((await shop.call('stock', '/reserve', options)).status).to.equal(503);
      expect(shop.seen).to.deep.equal([]);
    });
  });
}
