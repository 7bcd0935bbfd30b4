import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { decodeJwt } from 'jose';

import { redisStore, type Store } from '../../../src/issuer/stores/index.ts';
import { startShop, type TestShop } from '../../support/issuer/opaque.ts';
import { stopIssuers } from '../../support/issuer/start.ts';
import { hasRedisServer, needsRedisServer, startRedis, type RedisServer } from '../../support/redis.ts';

const JWT = 'application/jwt';

describe(`Two issuers on one Redis${needsRedisServer}`, () => {
  let redis: RedisServer;
  let started = false;
  let here: TestShop;
  let there: TestShop;
  const stores: Store[] = [];

  before(async function () {
    if (!hasRedisServer) this.skip();
    redis = await startRedis();
    started = true;
    stores.push(redisStore({ url: redis.url }), redisStore({ url: redis.url }));
    await Promise.all(stores.map((store) => store.ready()));
    here = await startShop({ store: stores[0] as Store });
    there = await startShop({ store: stores[1] as Store, as: here.url });
  });
  after(async () => {
    await stopIssuers();
    await Promise.all(stores.map((store) => store.close()));
    if (started) await redis.remove();
  });

  const exchange = async (shop: TestShop, token: string) =>
    shop.post('/token', 'shop', {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      subject_token: token,
      audience: 'audit',
    });
  const swap = async (shop: TestShop, token: string) => shop.post('/introspect', 'edge', { token }, JWT);
  /** Without the store an issuer is ready for what needs none. */
  const ready = async (shop: TestShop): Promise<string> => {
    const response = await fetch(`${shop.url}/readyz`);
    expect(response.status).to.equal(200);
    return ((await response.json()) as { status: string }).status;
  };

  it('a token issued by one is swapped, introspected, exchanged and revoked at the other', async () => {
    const reference = await here.token('web');
    const { text: root } = await swap(there, reference);
    expect(decodeJwt(root)).to.include({ client_id: 'web', scope: 'order', iss: here.url });
    expect((await there.post('/introspect', 'edge', { token: reference })).body['active']).to.equal(true);
    expect((await exchange(there, root)).status).to.equal(200);
    expect((await there.post('/revoke', 'web', { token: reference })).status).to.equal(200);
    for (const shop of [here, there]) {
      expect((await swap(shop, reference)).status).to.equal(204);
      expect((await shop.post('/introspect', 'shop', { token: root })).text).to.equal('{"active":false}');
      expect((await exchange(shop, root)).status).to.equal(400);
    }
  });

  it('RFC 7009 section 2.2.1: while Redis is away 503 with Retry-After, and nothing accepted that should not be; then it is as before', async () => {
    const [good, revoked, jwt] = [await here.token('web'), await here.token('web'), await here.token('app')];
    const [{ text: root }, { text: revokedRoot }] = [await swap(here, good), await swap(here, revoked)];
    await there.post('/revoke', 'web', { token: revoked });
    await redis.stop();
    for (const shop of [here, there]) {
      const answers = [
        await shop.post('/token', 'web', { grant_type: 'client_credentials', scope: 'order' }),
        await swap(shop, good),
        await swap(shop, revoked),
        await shop.post('/introspect', 'edge', { token: good }),
        await shop.post('/introspect', 'shop', { token: jwt }),
        await shop.post('/introspect', 'shop', { token: revokedRoot }),
        await exchange(shop, root),
        await exchange(shop, revokedRoot),
        await shop.post('/revoke', 'web', { token: good }),
        await shop.post('/revoke', 'app', { token: jwt }),
      ];
      for (const { status, body, headers } of answers) {
        expect([status, body['error']]).to.deep.equal([503, 'temporarily_unavailable']);
        expect(headers.get('retry-after')).to.equal('1');
      }
      expect(await ready(shop)).to.equal('ready without its store');
      expect(await shop.token('app'), 'what needs no store').to.match(/^eyJ/);
      expect(shop.logText())
        .to.contain('store_unavailable')
        .and.to.not.match(/wbo_|eyJ/);
    }
    await redis.start();
    for (const shop of [here, there])
      for (let tries = 0; tries < 100 && (await ready(shop)) !== 'ready'; tries += 1) await pause(50);
    for (const shop of [here, there]) {
      expect((await swap(shop, good)).status).to.equal(200);
      expect((await exchange(shop, root)).status).to.equal(200);
      expect((await swap(shop, revoked)).status).to.equal(204);
      expect((await exchange(shop, revokedRoot)).status).to.equal(400);
    }
  });
});
