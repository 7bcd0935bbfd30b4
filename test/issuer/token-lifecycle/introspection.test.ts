import { expect } from 'chai';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';

import { extractor } from '../../../src/middleware/index.ts';
import { keySet, tokenVerifier } from '../../../src/token/index.ts';
import { memoryStore } from '../../../src/issuer/stores/index.ts';
import { issuerFor, secretOf } from '../../support/issuer/issue.ts';
import { tokenAt } from '../../support/issuer/trees.ts';
import { SHOP, opaqueGraph, startShop, type TestShop } from '../../support/issuer/opaque.ts';
import { stopIssuers } from '../../support/issuer/start.ts';
import { basic } from '../../support/http.ts';
import { planOf } from '../../support/compile.ts';
import { failure } from '../../support/failure.ts';

const JWT = 'application/jwt';
const SIGNED = 'application/token-introspection+jwt';

describe('Introspection', () => {
  let shop: TestShop;
  let now: number;
  const kept = new Map<string, string>();

  before(async () => {
    now = Math.floor(Date.now() / 1000);
    const store = memoryStore({ clock: () => now });
    shop = await startShop({
      clock: () => now,
      store: {
        ...store,
        put: async (kind, key, value, seconds) => {
          kept.set(key, value);
          return store.put(kind, key, value, seconds);
        },
      },
    });
  });
  after(stopIssuers);

  const ask = async (as: string, token: string, accept?: string) =>
    shop.post('/introspect', as, { token }, accept);

  it('threats 2 and 16: an opaque client receives a reference of 256 bits, no token', async () => {
    const { status, body } = await shop.post('/token', 'web', {
      grant_type: 'client_credentials',
      scope: 'order',
    });
    expect(status).to.equal(200);
    expect(body['access_token']).to.match(/^wbo_[A-Za-z0-9_-]{43}$/);
    expect(body).to.include({ token_type: 'Bearer', expires_in: 300, scope: 'order' });
  });

  it('the store holds neither the reference nor a token', async () => {
    const reference = await shop.token('web');
    await ask('edge', reference, JWT);
    const all = [...kept].flat().join(' ');
    expect(all).to.not.contain('wbo_').and.to.not.contain('eyJ');
    expect([...kept.keys()].every((key) => /^[0-9a-f]{64}$/.test(key))).to.equal(true);
    expect(all).to.contain('"entry":"shop"');
  });

  it('RFC 8417 section 2.2: a gateway swaps it for the tree: one txn, never longer than the reference', async () => {
    const reference = await shop.token('web');
    const first = await ask('edge', reference, JWT);
    expect([first.status, first.headers.get('content-type')]).to.deep.equal([200, JWT]);
    expect(first.headers.get('cache-control')).to.equal('no-store');
    now += 100;
    const second = await ask('edge', reference, JWT);
    const [early, late] = [first, second].map(({ text }) => decodeJwt<{ txn: string }>(text));
    expect(late?.txn).to.equal(early?.txn);
    expect([early?.exp, late?.exp]).to.deep.equal([now + 200, now + 200]);
    expect(late?.jti).to.not.equal(early?.jti);
    const verify = tokenVerifier({ issuer: shop.url, keys: keySet(shop.issuer.jwks), clock: () => now });
    expect((await verify(second.text)).claims).to.include({ client_id: 'web', scope: 'order', tier: 'gold' });
    expect(tokenAt(second.text, 'payment').payload.scope).to.equal('charge');
  });

  it('RFC 7662 section 2.2: the claims in JSON, without embedded, on_demand and held', async () => {
    for (const token of [await shop.token('web'), await shop.token('app')]) {
      const { status, body } = await ask('edge', token);
      expect(status).to.equal(200);
      expect(body).to.include({ active: true, token_type: 'Bearer', scope: 'order', iss: shop.url });
      expect(body).to.not.have.any.keys('embedded', 'on_demand', 'held');
      expect(body['tier']).to.be.oneOf(['gold', 'tin']);
    }
  });

  it('RFC 7662 section 2.2: for everyone else a token is not active, and nothing more', async () => {
    const reference = await shop.token('web');
    const token = await shop.token('app');
    const child = tokenAt(token, 'payment').compact;
    const attempts: [string, string][] = [
      ['app', reference],
      ['backdoor', reference],
      ['payment', reference],
      ['web', token],
      ['backdoor', token],
      ['edge', await shop.token('app', 'manage')],
      ['edge', child], // no root
      ['shop', child],
      ['edge', 'wbo_' + 'A'.repeat(43)],
      ['edge', reference.slice(0, -1)],
      ['edge', `${token.slice(0, -4)}AAAA`],
      ['edge', 'nonsense'],
      ['edge', '\u0000'],
      ['edge', 'a'.repeat(50_000)],
    ];
    for (const [as, presented] of attempts) {
      const json = await ask(as, presented);
      expect([json.status, json.text], as).to.deep.equal([200, '{"active":false}']);
      const swap = await ask(as, presented, JWT);
      expect([swap.status, swap.text], as).to.deep.equal([204, '']);
    }
  });

  it('RFC 7662 section 2.1: a service learns what is for its audience, a client what was issued to it', async () => {
    const token = await shop.token('app');
    const child = tokenAt(token, 'payment').compact;
    for (const [as, presented] of [
      ['shop', token],
      ['payment', child],
      ['app', token],
      ['app', child],
      ['shop', await shop.token('web')],
      ['web', await shop.token('web')],
    ] as const) {
      expect((await ask(as, presented)).body['active'], as).to.equal(true);
    }
  });

  it('threat 16: an opaque client neither swaps its own reference nor reads what the graph tailors', async () => {
    const reference = await shop.token('web');
    expect((await ask('web', reference, JWT)).status).to.equal(204);
    const { body } = await ask('web', reference);
    expect(body).to.include({ active: true, client_id: 'web' }).and.to.not.have.property('tier');
  });

  it('RFC 7662 section 2.3: without authentication 401, without a token 400', async () => {
    const bare = await fetch(`${shop.url}/introspect`, {
      method: 'POST',
      body: new URLSearchParams({ token: 'a' }),
    });
    expect(bare.status).to.equal(401);
    const missing = await shop.post('/introspect', 'app', {});
    expect([missing.status, missing.body['error']]).to.deep.equal([400, 'invalid_request']);
    expect((await fetch(`${shop.url}/introspect`)).status).to.equal(405);
  });

  it('RFC 9701 section 5: a signed answer for who asked, also where the token is not active', async () => {
    const answer = await ask('shop', await shop.token('web'), SIGNED);
    expect(answer.headers.get('content-type')).to.equal(SIGNED);
    const keys = createLocalJWKSet({ keys: [...shop.issuer.jwks.keys] });
    const { payload } = await jwtVerify(answer.text, keys, {
      typ: 'token-introspection+jwt',
      issuer: shop.url,
      audience: 'shop',
      currentDate: new Date(now * 1000),
    });
    expect(payload['token_introspection']).to.include({ active: true, tier: 'gold' });
    expect(payload).to.have.all.keys('iss', 'aud', 'iat', 'token_introspection');
    const inactive = await ask('shop', 'nonsense', SIGNED);
    expect(decodeJwt(inactive.text)['token_introspection']).to.deep.equal({ active: false });
    expect(decodeProtectedHeader(inactive.text).typ).to.equal('token-introspection+jwt');
  });

  it('RFC 9701 section 8.1, threat 8: the signed answer is no token, for nobody', async () => {
    const { text } = await ask('shop', await shop.token('web'), SIGNED);
    expect((await ask('shop', text)).text).to.equal('{"active":false}');
    const exchange = await shop.post('/token', 'shop', {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      subject_token: text,
      audience: 'audit',
    });
    expect([exchange.status, exchange.body['error']]).to.deep.equal([400, 'invalid_request']);
    const service = extractor({ issuer: shop.url, audience: SHOP, caller: 'none' });
    await failure('token_type', () => service.authenticate({ authorization: `Bearer ${text}` }), text);
  });

  it('RFC 9701 section 4: what is accepted decides on the form of the answer; anything else is JSON', async () => {
    const token = await shop.token('app');
    for (const [accept, type] of [
      [SIGNED, SIGNED],
      [`text/html, ${SIGNED};q=0.9, application/json;q=0.1`, SIGNED],
      ['application/json', 'application/json'],
      ['*/*', 'application/json'],
      ['text/html', 'application/json'],
      [`application/json;q=0.1, ${JWT}`, JWT],
    ] as const) {
      const { status, headers } = await ask('shop', token, accept);
      expect([status, headers.get('content-type'), headers.get('vary')], accept).to.deep.equal([
        200,
        type,
        'accept',
      ]);
    }
  });

  it('RFC 7662 section 2.1: token_type_hint is no more than a hint, and no parameter stands twice', async () => {
    const token = await shop.token('app');
    for (const token_type_hint of ['access_token', 'refresh_token', 'nonsense'])
      expect((await shop.post('/introspect', 'app', { token, token_type_hint })).body['active']).to.equal(
        true,
      );
    const twice = await fetch(`${shop.url}/introspect`, {
      method: 'POST',
      body: new URLSearchParams([...Array<[string, string]>(2).fill(['token', token])]),
      headers: { authorization: basic('app', secretOf('app')) },
    });
    expect([twice.status, twice.headers.get('cache-control')]).to.deep.equal([400, 'no-store']);
    expect(await twice.json()).to.include({ error: 'invalid_request' });
  });

  it('is inactive when the reference has expired', async () => {
    const reference = await shop.token('web');
    now += 300;
    expect((await ask('edge', reference)).text).to.equal('{"active":false}');
    expect((await ask('edge', reference, JWT)).status).to.equal(204);
    expect(shop.logText()).to.contain(
      'no such reference: it has expired, was revoked, or is not from this issuer',
    );
  });

  it('a reloaded graph takes scopes away from what was granted, and never adds any', async () => {
    const store = memoryStore();
    const reloaded = await startShop({ store });
    const both = await reloaded.token('web', 'browse order');
    const order = await reloaded.token('web', 'order');
    const swap = async (token: string) => reloaded.post('/introspect', 'edge', { token }, JWT);
    const graph = opaqueGraph(reloaded.url, { scopes: '[browse]', web: 'default_scopes: [browse]' });
    reloaded.issuer = await issuerFor(planOf(graph), undefined, { store });
    expect(decodeJwt((await swap(both)).text)).to.include({ scope: 'browse' });
    expect((await swap(order)).status).to.equal(204);
    const without = graph.replace(/ {2}web:[\s\S]*? {2}app:/, '  app:');
    reloaded.issuer = await issuerFor(planOf(without), undefined, { store });
    expect((await swap(both)).status).to.equal(204);
  });

  it('logs neither token nor reference', async () => {
    const [reference, token] = [await shop.token('web'), await shop.token('app')];
    for (const accept of ['application/json', JWT, SIGNED]) {
      for (const presented of [reference, token]) await ask('edge', presented, accept);
    }
    await shop.post('/revoke', 'web', { token: reference });
    await shop.post('/revoke', 'web', { token });
    expect(shop.logText())
      .to.contain('swapped')
      .and.to.not.match(/wbo_|eyJ/);
  });
});
