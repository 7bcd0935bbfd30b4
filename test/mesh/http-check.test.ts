/** Checks over HTTP, with real tokens of a real issuer. */
import { expect } from 'chai';

import { sealToken, unpack } from '../../src/token/index.ts';
import { send, sendRaw, type Answer } from '../support/http.ts';
import { sealKeyPair } from '../support/keys/seal-keys.ts';
import { FRONT, claimsOf, openShop, type RunningSidecar, type Shop } from './shop.ts';

const OPERATIONS = { order: ['POST /orders'], look: ['GET /orders/{id}', 'GET /images/*'] };

describe('A check of the sidecar over HTTP', () => {
  let shop: Shop;
  let token: string;
  let plain: RunningSidecar;

  before(async () => {
    shop = await openShop();
    token = await shop.root();
    plain = await shop.start();
  });
  after(() => shop.close());

  const inbound = async (
    { url }: RunningSidecar,
    headers: Readonly<Record<string, string>> = {},
    path = '/orders',
    method = 'GET',
  ): Promise<Answer> =>
    send(`${url}/inbound${path}`, { method, headers: { authorization: `Bearer ${token}`, ...headers } });
  const outbound = async (
    { url }: RunningSidecar,
    host: string,
    authorization: string | undefined = `Bearer ${token}`,
  ): Promise<Answer> =>
    send(`${url}/auth/outbound`, {
      headers: {
        'x-forwarded-host': host,
        'x-forwarded-uri': '/x',
        'x-forwarded-method': 'GET',
        authorization,
      },
    });
  const removed = ({ headers }: Answer) => (headers.get('x-envoy-auth-headers-to-remove') ?? '').split(',');

  describe('of a request', () => {
    it('says who calls, and for whom', async () => {
      const { status, headers } = await inbound(plain);
      expect(status).to.equal(200);
      expect(headers.get('x-waybill-sub')).to.equal('web');
      expect(headers.get('x-waybill-scope')).to.equal('look order');
      expect(headers.get('x-waybill-txn')).to.equal(claimsOf(token)['txn']);
      expect(headers.has('x-waybill-act')).to.equal(false);
      expect(headers.has('authorization')).to.equal(false);
    });

    it('opens a sealed token with the keys of its service, and gives the children in it (S7)', async () => {
      const pair = await sealKeyPair('front-1');
      const key = { alg: 'ECDH-ES', crv: 'P-256', kid: 'front-1', key: pair.publicJwk } as const;
      const sealed = await sealToken(unpack(token), key, FRONT, undefined);
      const opening = await shop.start({}, { decryption: { keys: [pair.privateJwk] }, seal: 'require' });
      const authorization = `Bearer ${sealed}`;
      const accepted = await inbound(opening, { authorization });
      expect([accepted.status, accepted.headers.get('x-waybill-sub')]).to.deep.equal([200, 'web']);
      const called = await outbound(opening, 'stock.shop.example', authorization);
      expect(claimsOf((called.headers.get('authorization') ?? '').slice(7))).to.include({
        aud: 'https://stock.shop.example',
      });
      // Without keys it is no token; with them, one that came unsealed is refused.
      expect((await inbound(plain, { authorization })).status).to.equal(401);
      expect((await inbound(opening)).status).to.equal(401);
    });

    it('gives all claims where it is asked to, and no child among them', async () => {
      const { headers } = await inbound(await shop.start({ claimsHeader: true }));
      const claims = JSON.parse(
        Buffer.from(headers.get('x-waybill-claims') ?? '', 'base64url').toString(),
      ) as object;
      expect(claims).to.include({ aud: FRONT, sub: 'web' });
      expect(claims).not.to.have.property('embedded');
      expect(claimsOf(token)).to.have.property('embedded');
    });

    it('threat 15: removes every x-waybill- header that came from outside, however it is written', async () => {
      const answer = await inbound(plain, {
        'X-Waybill-Sub': 'admin',
        'x-waybill-act': 'spiffe://shop.example/admin',
        x_waybill_sub: 'admin',
        'x-waybill-anything': '1',
        'x-waybillish': 'stays',
      });
      expect(answer.headers.get('x-waybill-sub')).to.equal('web');
      expect(removed(answer)).to.have.members([
        ...['x-waybill-act', 'x-waybill-claims', 'x_waybill_sub', 'x-waybill-anything'],
      ]);
    });

    it('refuses a request without a token, with another one, or with two headers', async () => {
      const none = await send(`${plain.url}/inbound/orders`);
      expect([none.status, none.body['code']]).to.deep.equal([401, 'token_missing']);
      const changed = `${token.slice(0, -8)}AAAAAAAA`;
      const other = await inbound(plain, { authorization: `Bearer ${changed}` });
      expect([other.status, other.body['code']]).to.deep.equal([401, 'token_signature']);
      const line = `Authorization: Bearer ${token}\r\n`;
      const two = await sendRaw(
        plain.url,
        `GET /inbound/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${line}${line}\r\n`,
      );
      expect(two)
        .to.match(/^HTTP\/1.1 400 /)
        .and.to.contain('token_repeated');
    });

    it('does not take its own handles from outside', async () => {
      const sidecar = await shop.start({ correlation: 'handle' });
      const handle = (await inbound(sidecar)).headers.get('authorization') ?? '';
      expect(handle).to.match(/^Bearer wbh_[\w-]{29}$/);
      expect((await inbound(sidecar, { authorization: handle })).status).to.equal(401);
    });

    it('answers 431 to a header block that is too large', async () => {
      const { status } = await inbound(plain, { authorization: `Bearer ${'a'.repeat(100_000)}` });
      expect(status).to.equal(431);
      const { body } = await inbound(plain, { authorization: `Bearer ${'a'.repeat(50_000)}` });
      expect(body['code']).to.equal('token_too_large');
    });

    it('reads method and path of the request from the headers of the proxy on its own path alone', async () => {
      const sidecar = await shop.start({ operations: OPERATIONS });
      token = await shop.root('look');
      const forged = { 'x-forwarded-method': 'GET', 'x-forwarded-uri': '/orders/1' };
      const envoy = await inbound(sidecar, forged, '/orders', 'POST');
      expect([envoy.status, envoy.body['code']]).to.deep.equal([403, 'scope_insufficient']);
      const nginx = (headers: Readonly<Record<string, string>>) =>
        send(`${sidecar.url}/auth/inbound`, { headers: { authorization: `Bearer ${token}`, ...headers } });
      expect((await nginx(forged)).status).to.equal(200);
      expect((await nginx({ ...forged, 'x-forwarded-method': 'POST' })).body['code']).to.equal(
        'operation_unlisted',
      );
      expect((await nginx({ 'x-forwarded-uri': '/orders/1' })).body['code']).to.equal('operation_unlisted');
      expect((await nginx({ 'x-forwarded-method': 'GET' })).body['code']).to.equal('path_ambiguous');
      token = await shop.root();
    });

    it('lets an open operation pass without a token, and takes its Authorization header away', async () => {
      const sidecar = await shop.start({ open: ['GET /healthz'], operations: OPERATIONS });
      const answer = await inbound(sidecar, { authorization: 'Bearer stolen' }, '/healthz');
      expect(answer.status).to.equal(200);
      expect(removed(answer)).to.include.members(['authorization', 'x-waybill-sub', 'x-waybill-scope']);
      expect((await send(`${sidecar.url}/inbound/healthz`, { method: 'POST' })).status).to.equal(401);
    });
  });

  describe('of a call', () => {
    it('gives the token of the callee, and never the parent', async () => {
      for (const host of ['stock:8080', 'STOCK:8080', 'stock.shop.example']) {
        const { status, headers } = await outbound(plain, host);
        expect(status, host).to.equal(200);
        const child = headers.get('authorization');
        expect(claimsOf(child)).to.include({ aud: 'https://stock.shop.example', scope: 'reserve' });
        expect(child).not.to.equal(`Bearer ${token}`);
      }
      const envoy = await sendRaw(
        plain.url,
        `GET /outbound/x HTTP/1.1\r\nHost: stock:8080\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n\r\n`,
      );
      expect(envoy)
        .to.match(/^HTTP\/1.1 200 /)
        .and.to.match(/\r\nauthorization: Bearer ey/i);
    });

    it('fetches the token of a callee that is on demand', async () => {
      const { headers, status } = await outbound(plain, 'ads');
      expect(status).to.equal(200);
      expect(claimsOf(headers.get('authorization'))).to.include({ aud: 'https://ads.shop.example' });
    });

    it('refuses a host for which the token has none, and one that is no host', async () => {
      const hosts = ['payment.example', 'front.shop.example', 'stock', 'stock.shop.example.evil.example'];
      for (const host of hosts) {
        const { status, body } = await outbound(plain, host);
        expect([host, status, body['code']]).to.deep.equal([host, 403, 'child_missing']);
      }
      for (const host of ['', 'stock:8080@evil.example', 'stock:8080/x', 'a, b', 'x'.repeat(300)]) {
        expect((await outbound(plain, host)).status, host).to.equal(400);
      }
    });

    it('refuses a token that is not for this service, and none', async () => {
      const child = (await outbound(plain, 'stock:8080')).headers.get('authorization') ?? '';
      const { status, body } = await outbound(plain, 'stock:8080', child);
      expect([status, body['code']]).to.deep.equal([401, 'token_audience']);
      expect((await outbound(plain, 'stock:8080', 'Basic eDp5')).body['code']).to.equal('token_missing');
    });

    it('does not ask who presents the token: the service does', async () => {
      const strict = await shop.start({}, { caller: 'mtls', unboundRoots: 'refuse' });
      expect((await inbound(strict)).body['code']).to.equal('token_presenter');
      expect((await outbound(strict, 'stock:8080')).status).to.equal(200);
    });
  });

  it('swaps packed trees too', async () => {
    const packed = await openShop('packed');
    const sidecar = await packed.start();
    const root = await packed.root();
    expect(root).to.match(/^wb1~/);
    const { headers, status } = await outbound(sidecar, 'stock:8080', `Bearer ${root}`);
    expect(status).to.equal(200);
    const child = (headers.get('authorization') ?? '').replace('Bearer ', '');
    expect(claimsOf(unpack(child))).to.include({ aud: 'https://stock.shop.example' });
  });

  it('refuses a revoked token in both directions', async () => {
    const sidecar = await shop.start({}, { revocation: 'introspect', revocationMaxAge: 0 });
    const revoked = await shop.root();
    const ask = async () => [
      (await inbound(sidecar, { authorization: `Bearer ${revoked}` })).status,
      (await outbound(sidecar, 'stock:8080', `Bearer ${revoked}`)).status,
    ];
    expect(await ask()).to.deep.equal([200, 200]);
    const { status } = await shop.issuer.token({ token: revoked }, { as: 'web', path: '/revoke' });
    expect(status).to.equal(200);
    expect(await ask()).to.deep.equal([401, 401]);
  });

  describe('with a handle in place of the token', () => {
    it('gives a text of 33 characters, and takes it for the calls', async () => {
      const sidecar = await shop.start({ correlation: 'handle' });
      const handle = (await inbound(sidecar)).headers.get('authorization') ?? '';
      expect(handle.replace('Bearer ', '')).to.have.length(33);
      const { headers, status } = await outbound(sidecar, 'stock:8080', handle);
      expect(status).to.equal(200);
      expect(claimsOf(headers.get('authorization'))).to.include({ aud: 'https://stock.shop.example' });
    });

    it('refuses what is no handle of this process: a guess, a token, one of another sidecar', async () => {
      const [sidecar, other] = [
        await shop.start({ correlation: 'handle' }),
        await shop.start({ correlation: 'handle' }),
      ];
      const handle = (await inbound(other)).headers.get('authorization') ?? '';
      for (const authorization of [
        handle,
        `Bearer wbh_${'A'.repeat(29)}`,
        `Bearer ${token}`,
        'Bearer wbh_',
      ]) {
        const { status, body } = await outbound(sidecar, 'stock:8080', authorization);
        expect([status, body['code']]).to.deep.equal([401, 'handle_unknown']);
      }
    });

    it('correlates by nothing else: the trace id of another request lends no token', async () => {
      const sidecar = await shop.start({ correlation: 'handle' });
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      await inbound(sidecar, { traceparent });
      const { status, body } = await send(`${sidecar.url}/auth/outbound`, {
        headers: { traceparent, 'x-forwarded-host': 'stock:8080', 'x-forwarded-uri': '/' },
      });
      expect([status, body['code']]).to.deep.equal([401, 'token_missing']);
    });
  });

  it('answers 503 beyond as many checks as are allowed, and counts everything', async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    let asked = (): void => undefined;
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    const slow: typeof fetch = async (...request) => {
      asked();
      await released;
      return fetch(...request);
    };
    const sidecar = await shop.start({ maxRequests: 1 }, { fetch: slow });
    const first = inbound(sidecar);
    await isAsked; // it waits for the keys of the issuer
    const second = await inbound(sidecar);
    expect([second.status, second.body['code']]).to.deep.equal([503, 'overloaded']);
    release();
    expect((await first).status).to.equal(200);
    const text = await sidecar.sidecar.metrics.text();
    expect(text).to.contain(`{direction="inbound",code="overloaded"} 1\n`);
    expect(text).to.contain(`{direction="inbound",code="allowed"} 1\n`);
    expect(text).to.contain('waybill_sidecar_checks_running{direction="inbound"} 0\n');
  });

  it('reports each decision with its code and transaction, and never a token', async () => {
    const sidecar = await shop.start();
    await inbound(sidecar);
    await outbound(sidecar, 'payment.example');
    const { txn } = claimsOf(token);
    expect(sidecar.decisions).to.deep.include({
      direction: 'outbound',
      code: 'child_missing',
      txn,
      host: 'payment.example',
      reason: 'the token of this request holds none for http://payment.example, so nothing is sent',
      detail: undefined,
    });
    expect(sidecar.decisions[0]).to.include({ code: 'allowed', txn });
    expect(JSON.stringify(sidecar.decisions)).not.to.contain(token.slice(-20));
  });

  it('knows no other paths', async () => {
    for (const path of ['/', '/inboundx', '/inbound', '/auth', '/auth/inbound/x', '/metrics'])
      expect((await send(`${plain.url}${path}`)).status, path).to.equal(404);
  });
});
