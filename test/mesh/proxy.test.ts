/** The sidecar as a proxy both ways: three levels of services, mutual TLS, real tokens. */
import { expect } from 'chai';

import { unpack } from '../../src/token/index.ts';
import { sendTls } from '../support/tls.ts';
import { openProxiedShop, type AppAnswer, type ProxiedShop } from './proxied-shop.ts';
import { claimsOf } from './shop.ts';

const DEEP = '/call/stock.shop.example/call/depot.shop.example/echo?q=1';
const answerOf = ({ text }: { readonly text: string }) => JSON.parse(text) as AppAnswer;

describe('The proxy of a sidecar', function () {
  this.timeout(60_000);
  let shop: ProxiedShop;
  let token: string;

  before(async () => {
    shop = await openProxiedShop();
    token = await shop.root();
  });
  after(() => shop.close());

  it('brings the right token to each of three levels, over mutual TLS', async () => {
    const answer = await shop.send(DEEP, token);
    expect(answer.status).to.equal(200);
    const front = answerOf(answer);
    expect(front).to.include({ service: 'front', sub: 'web', scope: 'order', status: 200 });
    expect(front).not.to.have.property('act');
    const stock = front.callee;
    expect(stock).to.include({
      ...{ service: 'stock', sub: 'web', scope: 'reserve', status: 200 },
      act: 'spiffe://shop.example/front',
    });
    const depot = stock?.callee;
    expect(depot).to.include({
      ...{ service: 'depot', sub: 'web', scope: 'pick' },
      act: 'spiffe://shop.example/stock',
    });
    expect(claimsOf(stock?.authorization)).to.include({ aud: 'https://stock.shop.example' });
    expect(claimsOf(depot?.authorization)).to.include({ aud: 'https://depot.shop.example' });
    expect(shop.services.depot.heard.at(-1)?.url).to.equal('/echo?q=1');
    expect(shop.services.depot.heard.at(-1)?.headers.host).to.equal('depot.shop.example');
  });

  it('fetches the token of a call on demand', async () => {
    const answer = answerOf(await shop.send('/call/ads.shop.example/echo', token));
    expect(answer.callee).to.include({ service: 'ads', scope: 'show' });
  });

  it('answers 403 to a call for which the token has none, and sends nothing', async () => {
    const before = shop.services.depot.heard.length;
    const answer = answerOf(await shop.send('/call/depot.shop.example/echo', token));
    expect([answer.status, answer.callee?.code]).to.deep.equal([403, 'child_missing']);
    expect(shop.services.depot.heard).to.have.length(before);
  });

  it('refuses who is not the presenter that the token names', async () => {
    const child = answerOf(await shop.send('/call/stock.shop.example/echo', token)).callee?.authorization;
    const ask = async (as?: string) => {
      const { status, json } = await sendTls(`${shop.services.stock.url}/echo`, shop.ca, {
        as: as === undefined ? undefined : shop.identity(as),
        headers: { authorization: child ?? '' },
      });
      return [status, json['code']];
    };
    expect(await ask('front')).to.deep.equal([200, undefined]);
    expect(await ask('depot')).to.deep.equal([401, 'token_presenter']);
    expect(await ask()).to.deep.equal([401, 'token_presenter']);
  });

  it('swaps packed trees too', async () => {
    const packed = await openProxiedShop({ encoding: 'packed' });
    try {
      const root = await packed.root();
      expect(root).to.match(/^wb1~/);
      const front = answerOf(await packed.send(DEEP, root));
      expect(front.callee?.callee).to.include({ service: 'depot', scope: 'pick' });
      const child = (front.callee?.authorization ?? '').replace('Bearer ', '');
      expect(claimsOf(unpack(child))).to.include({ aud: 'https://stock.shop.example' });
    } finally {
      await packed.close();
    }
  });

  it('gives applications handles in place of tokens, and takes them for calls', async () => {
    const handled = await openProxiedShop({ sidecar: { correlation: 'handle' } });
    try {
      const front = answerOf(await handled.send(DEEP, await handled.root()));
      const depot = front.callee?.callee;
      for (const answer of [front, front.callee, depot])
        expect(answer?.authorization).to.match(/^Bearer wbh_[\w-]{29}$/);
      expect(depot).to.include({ service: 'depot', scope: 'pick' });
    } finally {
      await handled.close();
    }
  });

  it('refuses a revoked token at each level, once the answer of the issuer is as old as it may be', async () => {
    let ahead = 0;
    const clock = () => Math.floor(Date.now() / 1000) + ahead;
    const asking = await openProxiedShop({
      extractor: { revocation: 'introspect', revocationMaxAge: 30, clock },
    });
    try {
      const root = await asking.root();
      const { callee } = answerOf(await asking.send(DEEP, root));
      expect(callee?.callee?.service).to.equal('depot');
      const ask = async () => {
        const first = await asking.send('/echo', root);
        const second = await sendTls(`${asking.services.stock.url}/echo`, asking.ca, {
          as: asking.identity('front'),
          headers: { authorization: callee?.authorization ?? '' },
        });
        return [first, second].map(({ status, json }) => [status, json['code']]);
      };
      const revoked = await asking.issuer.token({ token: root }, { as: 'web', path: '/revoke' });
      expect(revoked.status).to.equal(200);
      expect(await ask()).to.deep.equal([
        [200, undefined],
        [200, undefined],
      ]);
      ahead = 31;
      expect(await ask()).to.deep.equal([
        [401, 'token_inactive'],
        [401, 'token_inactive'],
      ]);
    } finally {
      await asking.close();
    }
  });
});
