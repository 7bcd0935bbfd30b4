import { connect } from 'node:net';
import { expect } from 'chai';
import express from 'express';
import { decodeJwt } from 'jose';

import {
  extractor,
  gateway,
  isWaybillError,
  type Gateway,
  type GatewayOptions,
} from '../../../src/middleware/index.ts';
import { pack } from '../../../src/token/index.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { tokenAt } from '../../support/issuer/trees.ts';
import { ADMIN, PAYMENT, SHOP, startShop, type TestShop } from '../../support/issuer/opaque.ts';
import { stopIssuers } from '../../support/issuer/start.ts';
import { closeServers, listen } from '../../support/http.ts';
import { isIntrospection } from '../services.ts';

describe('The gateway', () => {
  let shop: TestShop;
  let service: string;
  let asked: number;
  let now: number;

  before(async () => {
    now = Math.floor(Date.now() / 1000);
    shop = await startShop({ clock: () => now });
  });
  beforeEach(async () => {
    asked = 0;
    service = await edge();
  });
  afterEach(closeServers);
  after(stopIssuers);

  const counting: typeof fetch = async (input, init) => {
    if (isIntrospection(input)) asked += 1;
    return fetch(input, init);
  };

  function gatewayOf(options: Partial<GatewayOptions> = {}): Gateway {
    const credentials = { clientId: 'edge', secret: secretOf('edge'), method: 'client_secret_post' as const };
    return gateway({ issuer: shop.url, credentials, clock: () => now, fetch: counting, ...options });
  }

  /** The edge and a service behind it that verifies the received token, and answers with the received header lines. */
  async function edge(options: Partial<GatewayOptions> = {}, audience = SHOP): Promise<string> {
    const app = express();
    const inside = extractor({ issuer: shop.url, audience, caller: 'none', clock: () => now });
    app.use(gatewayOf(options).protect({ audience }), inside.protect(), (request, response) => {
      const { sub, scope } = request.waybill.claims;
      response.json({
        sub,
        scope,
        raw: request.rawHeaders,
        seen: request.headers,
        distinct: request.headersDistinct,
      });
    });
    return listen(app, { maxHeaderSize: 64 * 1024 });
  }

  const call = async (token: string, headers: Record<string, string> = {}, at = service) => {
    const response = await fetch(at, { headers: { ...headers, authorization: `Bearer ${token}` } });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: JSON.parse(text) as Record<string, unknown>,
    };
  };

  it('swaps a reference for the root token, which the service verifies', async () => {
    const reference = await shop.token('web');
    const { status, body, text } = await call(reference);
    expect([status, body['sub'], body['scope']]).to.deep.equal([200, 'web', 'order']);
    expect(text).to.not.contain(reference);
  });

  it('asks for the configured coding, for references and roots', async () => {
    for (const encoding of ['packed', 'nested'] as const) {
      service = await edge({ encoding });
      for (const client of ['web', 'app']) {
        const { status, text } = await call(await shop.token(client));
        expect(status, text).to.equal(200);
        expect(text.includes('Bearer wb1~'), `${client} ${encoding}`).to.equal(encoding === 'packed');
      }
    }
  });

  it("with packed: 'refuse' refuses a packed root without a request, and accepts the nested one and references", async () => {
    service = await edge({ packed: 'refuse' });
    const nested = await shop.token('app');
    const { status, body } = await call(pack(nested));
    expect([status, body['code'], asked]).to.deep.equal([401, 'token_packed', 0]);
    expect((await call(nested)).body['sub']).to.equal('app');
    expect((await call(await shop.token('web'))).body['sub']).to.equal('web');
  });

  it('accepts a root token as it is', async () => {
    expect((await call(await shop.token('app'))).body['sub']).to.equal('app');
  });

  it('asks once for many requests, and again after some seconds', async () => {
    const reference = await shop.token('web');
    await Promise.all(Array.from({ length: 20 }, async () => call(reference)));
    await call(reference);
    expect(asked).to.equal(1);
    now += 5;
    await call(reference);
    expect(asked).to.equal(2);
  });

  it('RFC 7009: refuses what was revoked, once the swap is no longer kept', async () => {
    for (const [as, token] of [
      ['web', await shop.token('web')],
      ['app', await shop.token('app')],
    ] as const) {
      expect((await call(token)).status).to.equal(200);
      await shop.post('/revoke', as, { token });
      now += 5;
      const { status, headers, body } = await call(token);
      expect([status, body['code']]).to.deep.equal([401, 'token_inactive']);
      expect(headers.get('www-authenticate')).to.match(/^Bearer error="invalid_token"/);
    }
  });

  it('refuses a token for the service behind another route', async () => {
    const admin = await edge({}, ADMIN);
    expect((await call(await shop.token('web'), {}, admin)).body['code']).to.equal('token_audience');
    // Signed for that service, yet this gateway does not stand before it.
    expect((await call(await shop.token('app', 'manage'), {}, admin)).body['code']).to.equal(
      'token_inactive',
    );
    const payment = await edge({}, PAYMENT);
    expect((await call(await shop.token('web'), {}, payment)).status).to.equal(401);
  });

  it('RFC 8693 section 4.1: refuses a child, which carries act, without asking the issuer', async () => {
    const child = tokenAt(await shop.token('app'), 'payment').compact;
    const { status, body } = await call(child);
    expect([status, body['code'], asked]).to.deep.equal([401, 'token_presenter', 0]);
  });

  it('refuses forged, unknown and malformed tokens', async () => {
    const token = await shop.token('app');
    for (const bad of [`${token.slice(0, -8)}AAAAAAAA`, `wbo_${'A'.repeat(43)}`, 'wbo_short', 'nonsense']) {
      expect((await call(bad)).status, bad.slice(0, 8)).to.equal(401);
    }
    expect((await fetch(service)).headers.get('www-authenticate')).to.match(/^Bearer, DPoP algs="ES256 /);
  });

  it('threat 15: sends on no token header that a client made, and all others', async () => {
    const evil = await shop.token('app', 'manage');
    const sent = {
      'x-forwarded-access-token': 'a',
      'Proxy-Authorization': 'Basic abc',
      X_Access_Token: 'b',
      'x-original-authorization': `Bearer ${evil}`,
      'x-jwt-payload': 'c',
      'x-anything': evil,
      'x-wrapped': `Bearer ${evil}`,
      'txn-token': 'd',
      'x-ours': 'e',
      'x-acme-user': 'f',
      'x-forwarded-user': 'alice',
      'x-forwarded-client-cert': 'By=spiffe://a/b;URI=spiffe://a/admin',
      'x-padded': `(${evil})`,
      'x-escaped': `a%20${evil}`,
    };
    const stripping = await edge({ stripHeaders: ['X-Ours', 'x_acme-*'] });
    const kept = { 'x-request-id': '1', 'x-csrf-token': 'f', cookie: 'a=b' };
    const { body } = await call(await shop.token('web'), { ...sent, ...kept }, stripping);
    const names = (body['raw'] as string[])
      .filter((_, index) => index % 2 === 0)
      .map((name) => name.toLowerCase());
    for (const name of Object.keys(sent)) {
      expect(names).to.not.include(name.toLowerCase());
      expect(body['seen']).to.not.have.property(name.toLowerCase());
      expect(body['distinct']).to.not.have.property(name.toLowerCase());
    }
    expect(names).to.include.members(Object.keys(kept));
    expect(names.filter((name) => name === 'authorization')).to.have.lengthOf(1);
    expect(JSON.stringify(body)).to.not.contain(evil);
    const { authorization } = body['seen'] as { authorization: string };
    expect(decodeJwt(authorization.slice('Bearer '.length)).sub).to.equal('web');
  });

  it('threat 15: two Authorization headers are 400', async () => {
    const reference = await shop.token('web');
    const { hostname, port } = new URL(service);
    const answer = await new Promise<string>((resolve) => {
      let received = '';
      const socket = connect(Number(port), hostname);
      socket
        .setEncoding('utf8')
        .on('data', (data: string) => (received += data))
        .on('end', () => resolve(received));
      const line = `Authorization: Bearer ${reference}\r\n`;
      socket.write(`GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${line}${line}\r\n`);
    });
    expect(answer)
      .to.match(/^HTTP\/1\.1 400 /)
      .and.to.contain('token_repeated');
  });

  it('fails closed where the issuer is away or refuses the gateway', async () => {
    const reference = await shop.token('web');
    const away = await edge({ introspectionEndpoint: 'http://127.0.0.1:9/introspect' });
    expect((await call(reference, {}, away)).status).to.equal(503);
    expect((await call(await shop.token('app'), {}, away)).status).to.equal(503);
    const stranger = await edge({
      credentials: { clientId: 'edge', secret: 'guess', method: 'client_secret_post' },
    });
    expect((await call(reference, {}, stranger)).body['code']).to.equal('introspection_refused');
    const lying = await listen((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/jwt' }).end('eyJhbGciOiJub25lIn0.e30.');
    });
    const fooled = await edge({ introspectionEndpoint: lying });
    expect((await call(reference, {}, fooled)).status).to.equal(401);
  });

  it('serves any framework: lines in, lines out', async () => {
    const headers: [string, string][] = [
      ['AUTHORIZATION', `bearer ${await shop.token('web')}`],
      ['Accept', 'a'],
      ['X-Id-Token', 'b'],
    ];
    const { token, headers: out } = await gatewayOf().swap({ headers, audience: SHOP });
    expect(out).to.deep.equal([
      ['Accept', 'a'],
      ['Authorization', `Bearer ${token}`],
    ]);
  });

  it('refuses options that are unknown or missing', () => {
    const attempts = [
      { credential: {} },
      { credentials: undefined },
      { stripHeaders: [''] },
      { strip: ['x-tenant'] },
      { stripHeaders: 'x-tenant' },
      { stripHeaders: ['x tenant'] },
      { stripHeaders: ['x-tenant: a'] },
      { stripHeaders: ['*'] },
      { stripHeaders: [7] },
      { encoding: 'jwe' },
      { issuer: 'http://a.example' },
    ];
    for (const options of attempts) {
      expect(() => gatewayOf(options as never))
        .to.throw()
        .that.satisfies((error: unknown) => isWaybillError(error, 'usage'));
    }
    expect(() => gatewayOf().protect({ audience: '' })).to.throw('audience');
  });
});
