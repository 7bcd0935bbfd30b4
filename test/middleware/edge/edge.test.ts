/** A client at the edge against the real issuer: one request for many callers, until shortly before the token ends. */
import { expect } from 'chai';
import { decodeJwt } from 'jose';

import { edge, extractor, type EdgeOptions } from '../../../src/middleware/index.ts';
import { failure } from '../../support/failure.ts';
import { boundShop } from '../../support/graphs/bound.ts';
import { requestGraph } from '../../support/graphs/request-claims.ts';
import { tokenAt } from '../../support/issuer/trees.ts';
import { closeServers, listen } from '../../support/http.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { startTlsIssuer } from '../../support/issuer/tls.ts';
import { testCa } from '../../support/keys/certificates.ts';
import { listenTls, stopTlsServers } from '../../support/tls.ts';

describe('The client at the edge', () => {
  let issuer: TestIssuer;
  let now: number;
  let asked: string[];
  const ca = testCa('example');

  before(async () => {
    now = Math.floor(Date.now() / 1000);
    issuer = await startIssuer((url) => boundShop({ url }), { issuer: { clock: () => now } });
  });
  beforeEach(() => {
    asked = [];
  });
  afterEach(async () => {
    await closeServers();
    await stopTlsServers();
  });
  after(stopIssuers);

  const counting: typeof fetch = async (input, init) => {
    if (typeof init?.body === 'string') asked.push(init.body);
    return fetch(input, init);
  };

  const made = (clientId: string, options: Partial<EdgeOptions> = {}) =>
    edge({
      issuer: issuer.url,
      credentials: { clientId, secret: secretOf(clientId) },
      clock: () => now,
      fetch: counting,
      ...options,
    });

  it('asks once for a hundred callers who wait for the same, and again for another scope', async () => {
    const shop = made('free');
    const wanted = { scope: 'browse order' };
    const found = await Promise.all(Array.from({ length: 100 }, () => shop.tokenFor(wanted)));
    expect(new Set(found.map(({ token }) => token)).size).to.equal(1);
    await shop.tokenFor({ scope: 'order browse' });
    expect(asked).to.have.lengthOf(1);
    expect(found[0]).to.include({ type: 'Bearer', scope: 'browse order' });
    await shop.tokenFor({ scope: 'browse' });
    expect(asked).to.have.lengthOf(2);
    expect(decodeJwt(found[0]?.token ?? '')['exp']).to.equal(found[0]?.expires);
  });

  it('asks again from the margin before the end on, and for a short-lived token from half of its life on', async () => {
    const shop = made('free', { margin: 30 });
    const { expires } = await shop.tokenFor({ scope: 'browse' });
    const life = expires - now;
    now = expires - 31;
    await shop.tokenFor({ scope: 'browse' });
    expect(asked).to.have.lengthOf(1);
    now = expires - 30;
    await shop.tokenFor({ scope: 'browse' });
    expect(asked).to.have.lengthOf(2);
    const wary = made('free', { margin: 1_000_000 });
    const { expires: end } = await wary.tokenFor({ scope: 'browse' });
    now = end - life / 2 - 1;
    await wary.tokenFor({ scope: 'browse' });
    expect(asked).to.have.lengthOf(3);
    now += 1;
    await wary.tokenFor({ scope: 'browse' });
    expect(asked).to.have.lengthOf(4);
  });

  it('surfaces what the issuer refuses, with its code, and without a secret', async () => {
    const subjectToken = 'a-token-of-a-user-that-nobody-knows';
    const secret = secretOf('free');
    const shop = made('free');
    await failure('invalid_scope', () => shop.tokenFor({ scope: 'fly' }), secret);
    await failure('invalid_target', () => shop.tokenFor({ scope: 'order', resource: 'https://no.example' }));
    await failure('unauthorized_client', () => shop.tokenFor({ subjectToken }), secret, subjectToken);
    const wrong = made('free', { credentials: { clientId: 'free', secret: 'not-the-secret-of-it' } });
    await failure('invalid_client', () => wrong.tokenFor({ scope: 'order' }), 'not-the-secret-of-it');
    await failure('invalid_dpop_proof', () => made('app').tokenFor({ scope: 'order' }));
    const before = asked.length;
    await failure('invalid_scope', () => shop.tokenFor({ scope: 'fly' }));
    expect(asked.length, 'a refusal is kept for seconds').to.equal(before);
    const gone = made('free', { tokenEndpoint: 'http://127.0.0.1:1/token' });
    await failure('issuer_unavailable', () => gone.tokenFor({ scope: 'order' }));
  });

  it('keeps as many tokens as it may, the latest used ones', async () => {
    const shop = made('free', { cachedTokens: 2 });
    for (const scope of ['browse', 'order', 'browse', 'look', 'browse', 'look'])
      await shop.tokenFor({ scope });
    expect(asked).to.have.lengthOf(3);
    await shop.tokenFor({ scope: 'order' });
    expect(asked).to.have.lengthOf(4);
  });

  it('names no user’s token that an issuer repeats in its answer', async () => {
    const url = await listen((_request, response) => {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: 'strange', error_description: 'bad token sub-ject-tok-en' }));
    });
    const shop = made('free', { tokenEndpoint: url });
    const error = await failure('exchange_refused', () => shop.tokenFor({ subjectToken: 'sub-ject-tok-en' }));
    expect(error.message).to.equal('the issuer gave no token: strange');
  });

  it('fetch puts the token on, and the service accepts it', async () => {
    const waybill = extractor({
      issuer: issuer.url,
      audience: 'https://shop.example',
      caller: 'none',
      clock: () => now,
    });
    const url = await listen((request, response) => {
      waybill.authenticate({ authorization: request.headers.authorization, scope: 'order' }).then(
        ({ claims }) => response.end(claims.sub),
        () => response.writeHead(401).end(),
      );
    });
    const shop = made('free');
    expect(await (await shop.fetch(url, { scope: 'order' })).text()).to.equal('free');
    expect((await shop.fetch(url, { scope: 'browse' })).status).to.equal(401);
    await failure('usage', () => shop.fetch(url, {}, { headers: { authorization: 'x' } }));
    await failure('usage', () => shop.fetch('/path', {}));
  });

  it('RFC 9449: binds tokens to its key, proves it with each call, and sends a nonce that a server asks for', async () => {
    let refusals = 0;
    const needsNonce = async (request: { headers: { dpop?: unknown } }): Promise<boolean> => {
      const [, payload = ''] = String(request.headers.dpop).split('.');
      const { nonce } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { nonce?: string };
      if (nonce === 'n-1') return false;
      refusals += 1;
      return true;
    };
    // Stands before the real issuer, at whose address proofs are made.
    const demanding: typeof fetch = async (input, init) => {
      const headers = new Headers(init?.headers);
      if (!headers.has('dpop') || headers.has('authorization') === false) return fetch(input, init);
      if (!(await needsNonce({ headers: { dpop: headers.get('dpop') } }))) return counting(input, init);
      const isToken = (input instanceof Request ? input.url : input.toString()).endsWith('/token');
      return new Response(JSON.stringify({ error: 'use_dpop_nonce' }), {
        status: isToken ? 400 : 401,
        headers: { 'dpop-nonce': 'n-1', 'www-authenticate': 'DPoP error="use_dpop_nonce"' },
      });
    };
    let waybill = extractor({ issuer: issuer.url, audience: 'a', caller: 'none' });
    const url = await listen((request, response) => {
      const { headers, method } = request;
      waybill
        .authenticate({
          authorization: headers.authorization,
          dpop: headers['dpop'],
          method,
          url: request.url,
        })
        .then(
          ({ claims }) => response.end(JSON.stringify(claims['cnf'])),
          (error: unknown) => response.writeHead(401).end(String(error)),
        );
    });
    const own = { issuer: issuer.url, audience: 'https://shop.example', clock: () => now } as const;
    waybill = extractor({ ...own, caller: 'none', addresses: [url] });
    const shop = made('app', { dpop: true, fetch: demanding });
    const [one, two] = await Promise.all([
      shop.tokenFor({ scope: 'order' }),
      shop.tokenFor({ scope: 'order' }),
    ]);
    expect([one.type, one.token === two.token, refusals]).to.deep.equal(['DPoP', true, 1]);
    const answer = await shop.fetch(`${url}/orders?q=1`, { scope: 'order' }, { method: 'POST', body: 'x' });
    expect(await answer.text()).to.match(/^\{"jkt":"[\w-]{43}"\}$/);
    expect(refusals).to.equal(2);
    expect((await shop.fetch(url, { scope: 'order' })).status).to.equal(200);
    expect(refusals).to.equal(2);
  });

  it('threat 61: asks a second time for what was asked for, whatever the caller does to its object meanwhile', async () => {
    const wanted = { scope: 'order' };
    let refusals = 0;
    const shop = made('app', {
      dpop: true,
      fetch: async (input, init) => {
        if (init?.body === undefined || refusals > 0) return fetch(input, init);
        refusals += 1;
        wanted.scope = 'browse';
        return Response.json({ error: 'use_dpop_nonce' }, { status: 400, headers: { 'dpop-nonce': 'n-1' } });
      },
    });
    expect(await shop.tokenFor(wanted)).to.include({ scope: 'order' });
    expect([refusals, (await shop.tokenFor({ scope: 'order' })).scope]).to.deep.equal([1, 'order']);
  });

  it('RFC 8705: a token bound to its certificate is accepted over a connection that shows it', async () => {
    const secure = await startTlsIssuer((url) => boundShop({ url }), { ca, keySets: new Map() });
    const pos = ca.issue({ dns: ['pos.example'] });
    const tls = { cert: pos.chain, key: pos.key, ca: ca.cert };
    const inside = extractor({
      issuer: secure.url,
      audience: 'https://shop.example',
      caller: 'none',
      tls,
    });
    const url = await listenTls((request, response) => {
      inside
        .authenticate({
          authorization: request.headers.authorization,
          certificate: inside.certificateOf(request),
        })
        .then(
          ({ claims }) => response.end(JSON.stringify(claims['cnf'])),
          (error: unknown) => response.writeHead(401).end(String(error)),
        );
    }, ca);
    const till = edge({
      issuer: secure.url,
      credentials: { clientId: 'pos', method: 'tls_client_auth', ...tls },
      tls,
    });
    expect(await (await till.fetch(url, { scope: 'order' })).text()).to.match(/^\{"x5t#S256":/);
    const other = ca.issue({ dns: ['other.example'] });
    const thief = edge({
      issuer: secure.url,
      credentials: { clientId: 'pos', method: 'tls_client_auth', ...tls },
      tls: { cert: other.chain, key: other.key, ca: ca.cert },
    });
    expect((await thief.fetch(url, { scope: 'order' })).status).to.equal(401);
  });

  it('is refused when it is made, or asked, with something that is unknown or wrong', async () => {
    for (const bad of [
      { dpop: 'yes' },
      { margin: -1 },
      { cachedTokens: 0 },
      { scope: 'x' },
      { credentials: undefined },
    ])
      await failure('usage', () => made('free', bad as unknown as Partial<EdgeOptions>));
    const shop = made('free');
    for (const bad of [
      { scopes: 'x' },
      { scope: 7 },
      { subjectToken: '' },
      { subjectToken: 'x', subjectTokenType: 'saml' },
    ])
      await failure('usage', () => shop.tokenFor(bad as never));
  });

  describe('and the context of its requests', () => {
    let paying: TestIssuer;

    before(async () => {
      paying = await startIssuer((url) => requestGraph(url));
    });

    const till = () => made('till', { issuer: paying.url, clock: () => Math.floor(Date.now() / 1000) });
    const paidOf = (token: string) => tokenAt(token, 'payment').payload['amount'];

    it('threat 61: X6: has another token for another amount, and one request for equal ones', async () => {
      const client = till();
      const amounts = [10, 20, 10, 20, 10];
      const wanted = (amount: number) => ({ scope: 'pay', requestDetails: { amount, currency: 'EUR' } });
      const found = await Promise.all(amounts.map((amount) => client.tokenFor(wanted(amount))));
      expect(found.map(({ token }) => paidOf(token))).to.deep.equal(amounts);
      expect(asked).to.have.lengthOf(2);
      client.forget(wanted(10));
      await client.tokenFor(wanted(20));
      expect(asked).to.have.lengthOf(2);
      await client.tokenFor(wanted(10));
      expect(asked).to.have.lengthOf(3);
    });

    it('RFC 9396 section 7: says what was granted, where it was asked for in that form', async () => {
      const details = { type: 'urn:waybill:context', amount: 7, currency: 'USD' } as const;
      const { token, authorizationDetails } = await till().tokenFor({
        scope: 'pay',
        authorizationDetails: [details],
      });
      expect(authorizationDetails).to.deep.equal([details]);
      expect(paidOf(token)).to.equal(7);
      expect(await till().tokenFor({ scope: 'read' })).to.not.have.property('authorizationDetails');
    });

    it('surfaces what the issuer refuses of it, with its code and without its values', async () => {
      const details = { type: 'urn:waybill:context', amount: 4711, currency: 'GBP' } as const;
      await failure(
        'invalid_authorization_details',
        () => till().tokenFor({ scope: 'pay', authorizationDetails: [details] }),
        '4711',
        'GBP',
      );
      await failure('invalid_request', () => till().tokenFor({ scope: 'pay' }));
      for (const wrong of [
        { requestDetails: 'amount' },
        { requestDetails: { amount: 1.5 } },
        { authorizationDetails: [] },
        { authorizationDetails: [details, details] },
        { authorizationDetails: details },
      ])
        await failure('usage', () => till().tokenFor(wrong as never));
    });
  });
});
