/** The sidecar as a proxy both ways: three levels of services, mutual TLS, real tokens. */
import { once } from 'node:events';
import { createServer, get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

import { expect } from 'chai';

import { Destinations } from '../../src/mesh/index.ts';
import { unpack } from '../../src/token/index.ts';
import { LOOPBACK, testCa } from '../support/keys/certificates.ts';
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

  it('calls only who has the identity of the callee, whatever the host of its certificate', async () => {
    const wrong = 'spiffe://shop.example/stocks';
    const wary = await openProxiedShop({
      identities: {
        'stock.shop.example': wrong,
        'ads.shop.example': 'spiffe://shop.example/ads',
        'depot.shop.example': 'spiffe://shop.example/depot',
      },
    });
    try {
      const root = await wary.root();
      const refused = answerOf(await wary.send('/call/stock.shop.example/echo', root));
      expect([refused.status, refused.callee?.code]).to.deep.equal([502, 'upstream_unavailable']);
      expect(wary.services.stock.heard).to.have.length(0);
      expect(wary.services.front.decisions.at(-1)?.detail).to.include(wrong);
      const ads = answerOf(await wary.send('/call/ads.shop.example/echo', root));
      expect(ads.callee).to.include({ service: 'ads', scope: 'show' });
    } finally {
      await wary.close();
    }
  });

  it('X.509-SVID section 2: takes a certificate without the host name, and none with two URIs', async () => {
    const ca = testCa();
    const id = 'spiffe://shop.example/stock';
    const destinations = new Destinations({ ca: ca.cert });
    const ask = async (uris: readonly string[], names: object): Promise<string> => {
      const { cert, key } = ca.issue({ uris: [...uris], ...names });
      const server = createServer({ cert, key }, (_request, response) => response.end('served'));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const origin = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
      const { agent } = destinations.at(origin, [id]);
      try {
        return await new Promise((resolve, reject) => {
          get(origin, { agent }, (answer) => void text(answer).then(resolve, reject)).on(
            'error',
            ({ message }) => resolve(message),
          );
        });
      } finally {
        server.closeAllConnections();
        server.close();
      }
    };
    try {
      const refused = `the certificate of the callee is not that of ${id}`;
      expect(await ask([id], {})).to.equal('served');
      expect(await ask([`${id}/canary`], LOOPBACK)).to.equal(refused);
      expect(await ask([id, 'spiffe://shop.example/other'], LOOPBACK)).to.equal(refused);
      expect(await ask([], LOOPBACK)).to.equal(refused);
    } finally {
      destinations.close();
    }
  });

  it('shows the new certificate from the next call on, once its files are replaced', async () => {
    const renewed = await openProxiedShop();
    try {
      const root = await renewed.root();
      const ask = async () => answerOf(await renewed.send('/call/stock.shop.example/echo', root)).status;
      const { destinations } = renewed.services.front;
      const showAs = (name: string): void => {
        const { cert, key } = renewed.identity(name);
        destinations.renewTls({ cert, key, ca: renewed.ca.cert });
      };
      expect(await ask()).to.equal(200);
      showAs('depot');
      expect(await ask(), 'the presenter that the token names is another').to.equal(401);
      showAs('front');
      expect(await ask()).to.equal(200);
    } finally {
      await renewed.close();
    }
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
