import { expect } from 'chai';

import { memoryStore } from '../../../src/issuer/stores/index.ts';
import { keysFor } from '../../support/issuer/issue.ts';
import { tokenAt } from '../../support/issuer/trees.ts';
import { startShop, type TestShop } from '../../support/issuer/opaque.ts';
import { stopIssuers } from '../../support/issuer/start.ts';

const EXCHANGE = {
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  audience: 'audit',
};

describe('Revocation', () => {
  let shop: TestShop;
  const lasting: { kind: string; seconds: number }[] = [];

  before(async () => {
    const store = memoryStore();
    shop = await startShop({
      store: {
        ...store,
        put: async (kind, key, value, seconds) => {
          lasting.push({ kind, seconds });
          return store.put(kind, key, value, seconds);
        },
      },
    });
  });
  after(stopIssuers);

  const active = async (as: string, token: string) =>
    (await shop.post('/introspect', as, { token })).body['active'];
  const swap = async (token: string) => shop.post('/introspect', 'edge', { token }, 'application/jwt');
  const exchange = async (token: string) =>
    shop.post('/token', 'shop', { ...EXCHANGE, subject_token: token });

  it('RFC 7009 section 2.1: a revoked reference takes its whole tree', async () => {
    const reference = await shop.token('web');
    const { text: root } = await swap(reference);
    const child = tokenAt(root, 'payment').compact;
    expect((await exchange(root)).status).to.equal(200);
    expect((await shop.post('/revoke', 'web', { token: reference })).status).to.equal(200);
    expect((await swap(reference)).status).to.equal(204);
    expect(await active('edge', reference)).to.equal(false);
    expect(await active('shop', root)).to.equal(false);
    expect(await active('payment', child)).to.equal(false);
    const refused = await exchange(root);
    expect([refused.status, refused.body['error']]).to.deep.equal([400, 'invalid_request']);
    expect(refused.body['error_description']).to.match(/revoked/);
  });

  it('RFC 8693 section 2.2.2: a reference is not exchanged, before and after it ended, and the answer says what is', async () => {
    const reference = await shop.token('web');
    for (const revoked of [false, true]) {
      if (revoked) await shop.post('/revoke', 'web', { token: reference });
      const { status, body } = await exchange(reference);
      expect([status, body['error']]).to.deep.equal([400, 'invalid_request']);
      expect(body['error_description']).to.match(
        /it is a reference.*introspection with Accept: application\/jwt/,
      );
    }
  });

  it('RFC 7009 section 2.1: a revoked child takes its root along, a root its children', async () => {
    for (const path of [[], ['payment']]) {
      const root = await shop.token('app');
      const token = tokenAt(root, ...path).compact;
      const other = await shop.token('app');
      expect((await shop.post('/revoke', 'app', { token })).status).to.equal(200);
      expect(await active('shop', root)).to.equal(false);
      expect(await active('payment', tokenAt(root, 'payment').compact)).to.equal(false);
      expect((await exchange(root)).status).to.equal(400);
      expect(await active('shop', other), 'another tree').to.equal(true);
    }
  });

  it('threat 13: the mark outlives every token of the tree, whatever token it came by', async () => {
    lasting.length = 0;
    const root = await shop.token('app');
    await shop.post('/revoke', 'app', { token: root });
    await shop.post('/revoke', 'app', { token: tokenAt(root, 'payment').compact });
    const [byRoot, byChild] = lasting.map(({ seconds }) => seconds);
    expect(byRoot).to.be.within(340, 360);
    expect(byChild).to.be.at.least(86_400);
  });

  it('threat 13: the mark lasts no longer than a token of this issuer can live, whatever its exp', async () => {
    lasting.length = 0;
    const [header = '', payload = ''] = (await shop.token('app')).split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as object;
    const far = Buffer.from(JSON.stringify({ ...claims, exp: 1e15 })).toString('base64url');
    const { signer } = await keysFor(shop.plan.issuer.signing);
    const signature = Buffer.from(await signer.sign(`${header}.${far}`)).toString('base64url');
    const { status } = await shop.post('/revoke', 'app', { token: `${header}.${far}.${signature}` });
    expect(status).to.equal(200);
    expect(lasting.map(({ seconds }) => seconds)[0]).to.be.within(86_400, 86_460);
  });

  it('RFC 7009 section 2.2: 200 for what is unknown, or revoked before', async () => {
    const reference = await shop.token('web');
    for (const token of [
      reference,
      reference,
      `wbo_${'A'.repeat(43)}`,
      'nonsense',
      `${await shop.token('app')}x`,
    ]) {
      const { status, text } = await shop.post('/revoke', 'web', { token });
      expect([status, text]).to.deep.equal([200, '']);
    }
  });

  it('RFC 7009 section 2.1: only the client to which it was issued; for a service, whatever the token', async () => {
    const [reference, token] = [await shop.token('web'), await shop.token('app')];
    for (const [as, presented] of [
      ['app', reference],
      ['web', token],
      ['edge', reference],
      ['shop', reference],
      ['shop', token],
      ['shop', 'nonsense'],
    ] as const) {
      const { status, body } = await shop.post('/revoke', as, { token: presented });
      expect([status, body['error']], as).to.deep.equal([400, 'unauthorized_client']);
    }
    expect(await active('edge', reference)).to.equal(true);
    expect(await active('shop', token)).to.equal(true);
  });

  it('RFC 7009 section 2.1: token_type_hint is no more than a hint', async () => {
    for (const token_type_hint of ['access_token', 'refresh_token', 'nonsense']) {
      const reference = await shop.token('web');
      expect((await shop.post('/revoke', 'web', { token: reference, token_type_hint })).status).to.equal(200);
      expect(await active('edge', reference)).to.equal(false);
    }
  });

  it('RFC 7009 section 2.2.1: refuses as the token endpoint does, and stores nothing', async () => {
    const { status, body, headers } = await shop.post('/revoke', 'app', { token: await shop.token('web') });
    expect([status, body['error']]).to.deep.equal([400, 'unauthorized_client']);
    expect([headers.get('content-type'), headers.get('cache-control')]).to.deep.equal([
      'application/json',
      'no-store',
    ]);
  });

  it('RFC 7009 section 2.1: without a token 400, without authentication 401', async () => {
    expect((await shop.post('/revoke', 'web', {})).status).to.equal(400);
    const bare = await fetch(`${shop.url}/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ token: 'a' }),
    });
    expect(bare.status).to.equal(401);
  });
});
