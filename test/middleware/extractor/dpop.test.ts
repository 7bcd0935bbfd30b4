/** Roots that are bound to a DPoP key, before a real service, with a real issuer and a peer's own client. */
import { connect } from 'node:net';
import type { RequestListener } from 'node:http';

import { expect } from 'chai';
import express from 'express';
import * as oauth from 'oauth4webapi';

import { extractor, refusal, type Extractor, type ExtractorOptions } from '../../../src/middleware/index.ts';
import { SHOP, boundShop } from '../../support/graphs/bound.ts';
import { proofSigner, type ProofSigner } from '../../support/keys/dpop.ts';
import { clientOf, secretOf } from '../../support/issuer/issue.ts';
import { tokenAt } from '../../support/issuer/trees.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { AUDIENCE, NOW, type Json } from '../../support/keys/signer.ts';
import { failure } from '../../support/failure.ts';
import { closeServers, listen } from '../../support/http.ts';
import { extractorFor } from '../services.ts';
import { startScriptedIssuer as startSigner } from '../../support/issuer/scripted.ts';

const INSECURE = { [oauth.allowInsecureRequests]: true };
const ALGS = 'algs="ES256 Ed25519 PS256 RS256"';

describe('A root that is bound to a DPoP key', () => {
  let issuer: TestIssuer;
  let signer: ProofSigner;
  let now: number;

  before(async () => {
    signer = await proofSigner();
    issuer = await startIssuer((url) => boundShop({ url }), { issuer: { clock: () => now } });
  });
  beforeEach(() => {
    now = Math.floor(Date.now() / 1000);
  });
  afterEach(closeServers);
  after(stopIssuers);

  /** A token of `free`, bound to the key of `signer`. */
  const tokenFor = async (): Promise<string> =>
    (
      await issuer.issuer.issue(clientOf(issuer.plan, 'free'), {
        scopes: ['order'],
        cnf: { jkt: signer.jkt },
      })
    ).token;

  const unbound = async (): Promise<string> =>
    (await issuer.issuer.issue(clientOf(issuer.plan, 'free'), { scopes: ['order'] })).token;

  /** An Express service whose `/orders` needs a token; it answers with what its context says. */
  async function serve(options: Partial<ExtractorOptions> = {}, mount = '/'): Promise<string> {
    let app: RequestListener = () => undefined;
    const base = await listen((request, response) => app(request, response), { maxHeaderSize: 64 * 1024 });
    const waybill = checking(base, options);
    const router = express.Router();
    router.all('/orders', waybill.protect({ scope: 'order' }), (request, response) => {
      response.json({ sub: request.waybill.claims.sub, cnf: request.waybill.claims['cnf'] });
    });
    router.all('/refunds', waybill.protect({ scope: 'refund' }), (_request, response) => {
      response.json({});
    });
    app = express().use(mount, router);
    return base;
  }

  const checking = (base: string, options: Partial<ExtractorOptions> = {}): Extractor =>
    extractor({
      issuer: issuer.url,
      audience: SHOP,
      caller: 'none',
      addresses: [base],
      clock: () => now,
      ...options,
    });

  interface Call {
    readonly authorization: string;
    readonly dpop?: string;
    readonly method?: string;
    readonly path?: string;
    readonly headers?: Record<string, string>;
  }

  async function call(
    base: string,
    { authorization, dpop, method = 'GET', path = '/orders', headers }: Call,
  ) {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: { authorization, ...(dpop === undefined ? {} : { dpop }), ...headers },
    });
    const body = (await response.json()) as Json;
    const challenge = response.headers.get('www-authenticate') ?? '';
    return { status: response.status, body, challenge };
  }

  /** With a proof as it should be, or bent. */
  async function present(base: string, token: string, claims: Json = {}, header: Json = {}, by = signer) {
    const dpop = await by.proof({ method: 'GET', url: `${base}/orders`, token, now }, claims, header);
    return call(base, { authorization: `DPoP ${token}`, dpop });
  }

  type Answered = Awaited<ReturnType<typeof call>>;

  function expectRefused({ status, body, challenge }: Answered, code: string, says: RegExp): void {
    expect(status, JSON.stringify(body)).to.equal(401);
    expect(body).to.include({ code, status: 401 });
    expect(body['detail']).to.match(says);
    const error = code === 'invalid_dpop_proof' ? code : 'invalid_token';
    expect(challenge.startsWith(`DPoP error="${error}", error_description="`), challenge).to.equal(true);
    expect(challenge.endsWith(`", ${ALGS}`), challenge).to.equal(true);
  }

  it('RFC 9449 section 7.1: is what oauth4webapi gets, and presents with a new proof each time', async () => {
    const base = await serve();
    const address = new URL(issuer.url);
    const found = await oauth.discoveryRequest(address, { algorithm: 'oauth2', ...INSECURE });
    const server = await oauth.processDiscoveryResponse(address, found);
    const client = { client_id: 'app' };
    const DPoP = oauth.DPoP({}, await oauth.generateKeyPair('ES256'));
    const auth = oauth.ClientSecretBasic(secretOf('app'));
    const options = { DPoP, ...INSECURE };
    const asked = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      auth,
      { scope: 'order' },
      options,
    );
    const { access_token: token } = await oauth.processClientCredentialsResponse(server, client, asked);
    for (const method of ['GET', 'POST', 'POST']) {
      const at = new URL(`${base}/orders?page=2`);
      const response = await oauth.protectedResourceRequest(token, method, at, new Headers(), null, options);
      expect(response.status).to.equal(200);
      expect(await response.json()).to.deep.equal({
        sub: 'app',
        cnf: { jkt: await DPoP.calculateThumbprint() },
      });
    }
    const stolen = oauth.DPoP({}, await oauth.generateKeyPair('ES256'));
    const thief = oauth.protectedResourceRequest(token, 'GET', new URL(`${base}/orders`), undefined, null, {
      DPoP: stolen,
      ...INSECURE,
    });
    const challenged = await thief.catch((error: unknown) => error);
    expect(challenged).to.be.instanceOf(oauth.WWWAuthenticateChallengeError);
    const [{ scheme, parameters }] = (challenged as oauth.WWWAuthenticateChallengeError).cause as [
      oauth.WWWAuthenticateChallenge,
    ];
    expect(scheme).to.equal('dpop');
    expect(parameters).to.include({ error: 'invalid_token', algs: 'ES256 Ed25519 PS256 RS256' });
  });

  it('RFC 9449 section 7.2: is refused as a bearer token, with or without a proof', async () => {
    const base = await serve();
    const token = await tokenFor();
    const dpop = await signer.proof({ method: 'GET', url: `${base}/orders`, token, now });
    for (const caller of ['none', 'mtls'] as const) {
      const service = await serve({ caller });
      for (const scheme of ['Bearer', 'bearer']) {
        expectRefused(
          await call(service, { authorization: `${scheme} ${token}` }),
          'token_presenter',
          /scheme DPoP/,
        );
        expectRefused(
          await call(base, { authorization: `${scheme} ${token}`, dpop }),
          'token_presenter',
          /DPoP/,
        );
      }
    }
    expect((await call(base, { authorization: `DPoP ${token}`, dpop })).status, 'not used up').to.equal(200);
  });

  it('RFC 9449 section 7.1: is let in with its scheme in any case, whatever caller says', async () => {
    for (const caller of ['none', 'mtls'] as const) {
      const base = await serve({ caller });
      const token = await tokenFor();
      for (const scheme of ['DPoP', 'dpop', 'DPOP ']) {
        const dpop = await signer.proof({ method: 'GET', url: `${base}/orders`, token, now });
        const { status, body } = await call(base, { authorization: `${scheme} ${token}`, dpop });
        expect(status, JSON.stringify(body)).to.equal(200);
        expect(body).to.deep.equal({ sub: 'free', cnf: { jkt: signer.jkt } });
      }
    }
  });

  it('threat 2: is worthless without its key, though it was verified and cached before', async () => {
    const base = await serve();
    const token = await tokenFor();
    const thief = await proofSigner();
    expect((await present(base, token)).status).to.equal(200);
    expectRefused(await call(base, { authorization: `DPoP ${token}` }), 'invalid_dpop_proof', /missing/);
    expectRefused(
      await present(base, token, {}, {}, thief),
      'token_presenter',
      /another key than that of the DPoP/,
    );
    expectRefused(
      await present(base, token, {}, { jwk: signer.publicJwk }, thief),
      'invalid_dpop_proof',
      /signature/,
    );
    expect((await present(base, token)).status).to.equal(200);
  });

  it('RFC 9449 section 4.3: is refused with a proof for anything else than this request', async () => {
    const base = await serve();
    const token = await tokenFor();
    const wrong: [Json, Json, RegExp][] = [
      [{ htm: 'POST' }, {}, /another method/],
      [{ htu: `${base}/refunds` }, {}, /another address/],
      [{ htu: `${issuer.url}/token` }, {}, /another address/],
      [{ htu: `${SHOP}/orders` }, {}, /another address/],
      [{ ath: undefined }, {}, /another token/],
      [{ iat: now - 61 }, {}, /too old/],
      [{ iat: now + 31 }, {}, /future/],
      [{ jti: '' }, {}, /jti/],
      [{}, { typ: 'at+jwt' }, /typ/],
      [{}, { jwk: signer.privateJwk }, /jwk/],
      [{}, { alg: 'ES256', jwk: undefined }, /jwk/],
    ];
    for (const [claims, header, says] of wrong)
      expectRefused(await present(base, token, claims, header), 'invalid_dpop_proof', says);
    const another = await tokenFor();
    const dpop = await signer.proof({ method: 'GET', url: `${base}/orders`, token: another, now });
    expectRefused(
      await call(base, { authorization: `DPoP ${token}`, dpop }),
      'invalid_dpop_proof',
      /another token/,
    );
  });

  it('RFC 9449 section 11.1: is refused with a proof that was used, as long as the proof would be good', async () => {
    const base = await serve();
    const token = await tokenFor();
    const dpop = await signer.proof({ method: 'GET', url: `${base}/orders`, token, now: now + 30 });
    const replay = { authorization: `DPoP ${token}`, dpop };
    expect((await call(base, replay)).status).to.equal(200);
    for (const later of [0, 60, 30]) {
      now += later;
      expectRefused(await call(base, replay), 'invalid_dpop_proof', /used before/);
    }
    now += 1;
    expectRefused(await call(base, replay), 'invalid_dpop_proof', /too old/);
  });

  it('RFC 9449 section 11.1: of twenty requests with one proof at the same time, one passes', async () => {
    const base = await serve();
    const token = await tokenFor();
    const dpop = await signer.proof({ method: 'GET', url: `${base}/orders`, token, now });
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => call(base, { authorization: `DPoP ${token}`, dpop })),
    );
    expect(answers.filter(({ status }) => status === 200)).to.have.lengthOf(1);
  });

  it('remembers as many used proofs as configured, the latest ones', async () => {
    const base = await serve({ cache: { proofs: 2 } });
    const token = await tokenFor();
    const made = async () => ({
      authorization: `DPoP ${token}`,
      dpop: await signer.proof({ method: 'GET', url: `${base}/orders`, token, now }),
    });
    const [first, second, third] = [await made(), await made(), await made()];
    for (const each of [first, second]) expect((await call(base, each)).status).to.equal(200);
    for (const each of [first, second]) expectRefused(await call(base, each), 'invalid_dpop_proof', /used/);
    expect((await call(base, third)).status).to.equal(200);
    expectRefused(await call(base, third), 'invalid_dpop_proof', /used/);
    expectRefused(await call(base, second), 'invalid_dpop_proof', /used/);
    // Bounded memory has an end, and SECURITY.md says so.
    expect((await call(base, first)).status).to.equal(200);
  });

  it('a proof that did not pass takes no room among the used ones', async () => {
    const base = await serve({ cache: { proofs: 1 } });
    const token = await tokenFor();
    const thief = await proofSigner();
    const dpop = await signer.proof({ method: 'GET', url: `${base}/orders`, token, now });
    expect((await call(base, { authorization: `DPoP ${token}`, dpop })).status).to.equal(200);
    for (let time = 0; time < 3; time += 1) await present(base, token, {}, {}, thief);
    expectRefused(await call(base, { authorization: `DPoP ${token}`, dpop }), 'invalid_dpop_proof', /used/);
  });

  it('RFC 9449 section 4.3, 1: is refused with two DPoP headers, on two lines and on one', async () => {
    const base = await serve();
    const token = await tokenFor();
    const make = () => signer.proof({ method: 'GET', url: `${base}/orders`, token, now });
    const [first, second] = [await make(), await make()];
    const joined = { authorization: `DPoP ${token}`, dpop: `${first}, ${second}` };
    expectRefused(await call(base, joined), 'invalid_dpop_proof', /more than one/);
    const { hostname, port } = new URL(base);
    const answer = await new Promise<string>((resolve, reject) => {
      let received = '';
      const socket = connect(Number(port), hostname);
      socket.setEncoding('utf8').on('data', (data: string) => (received += data));
      socket.on('end', () => resolve(received)).on('error', reject);
      const lines = [`Authorization: DPoP ${token}`, `DPoP: ${first}`, `dpop: ${first}`].join('\r\n');
      socket.write(`GET /orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines}\r\n\r\n`);
    });
    expect(answer)
      .to.match(/^HTTP\/1\.1 401 /)
      .and.to.contain('more than one DPoP header');
  });

  it('is refused with a giant proof', async () => {
    const base = await serve();
    const token = await tokenFor();
    expectRefused(
      await present(base, token, { padding: 'x'.repeat(4_000) }),
      'invalid_dpop_proof',
      /4096 bytes/,
    );
    const huge = { authorization: `DPoP ${token}`, dpop: 'x'.repeat(40_000) };
    expectRefused(await call(base, huge), 'invalid_dpop_proof', /4096 bytes/);
  });

  it('RFC 9449 section 7.1: only a bound token comes with the scheme DPoP', async () => {
    const base = await serve();
    expectRefused(await present(base, await unbound()), 'token_presenter', /not bound to a DPoP key/);
    const payment = await serve({ audience: 'https://payment.example' });
    const child = tokenAt(await tokenFor(), 'payment').compact;
    expectRefused(await present(payment, child), 'token_presenter', /not bound to a DPoP key/);
    expect((await call(base, { authorization: `Bearer ${await unbound()}` })).status).to.equal(200);
  });

  it('RFC 9449 section 7.1: any other fault of it is reported with the scheme DPoP as well', async () => {
    const base = await serve();
    const token = await tokenFor();
    const at = { method: 'GET', url: `${base}/refunds`, token, now };
    const dpop = await signer.proof(at);
    const lacking = await call(base, { authorization: `DPoP ${token}`, dpop, path: '/refunds' });
    expect([lacking.status, lacking.body['code']]).to.deep.equal([403, 'scope_insufficient']);
    expect(lacking.challenge).to.match(/^DPoP error="insufficient_scope", .*scope="refund", algs=/);
    now += 300;
    expectRefused(await present(base, token), 'token_expired', /expired/);
    expectRefused(await present(base, `${token.slice(0, -8)}AAAAAAAA`), 'token_signature', /signature/);
  });

  it('RFC 9449 section 4.3, 9: has the origin of the audience as its address, unless others are given', async () => {
    const base = await serve({ addresses: undefined });
    const token = await tokenFor();
    const proven = (url: string) => signer.proof({ method: 'GET', url, token, now });
    const to = async (url: string) => call(base, { authorization: `DPoP ${token}`, dpop: await proven(url) });
    expect((await to(`${SHOP}/orders`)).status).to.equal(200);
    expectRefused(await to(`${base}/orders`), 'invalid_dpop_proof', /another address/);
    const given = await serve({ addresses: ['https://api.example/shop/', 'http://shop.internal'] });
    for (const [url, status] of [
      ['https://api.example/shop/orders', 200],
      ['https://API.example:443/shop/orders?a', 200],
      ['http://shop.internal/orders', 200],
      ['https://api.example/orders', 401],
      ['https://shop.internal/orders', 401],
      [`${given}/orders`, 401],
    ] as const) {
      const answer = await call(given, { authorization: `DPoP ${token}`, dpop: await proven(url) });
      expect(answer.status, url).to.equal(status);
    }
  });

  it('RFC 9449 section 4.3, 9: has no address that a header names', async () => {
    const base = await serve();
    const token = await tokenFor();
    const dpop = await signer.proof({ method: 'GET', url: 'https://evil.example/orders', token, now });
    const headers = {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      forwarded: 'host=evil.example;proto=https',
    };
    const answer = await call(base, { authorization: `DPoP ${token}`, dpop, headers });
    expectRefused(answer, 'invalid_dpop_proof', /another address/);
    const { hostname, port } = new URL(base);
    const plain = await signer.proof({ method: 'GET', url: 'http://evil.example/orders', token, now });
    const received = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(Number(port), hostname);
      socket.setEncoding('utf8').on('data', (data: string) => (text += data));
      socket.on('end', () => resolve(text)).on('error', reject);
      const lines = [`Authorization: DPoP ${token}`, `DPoP: ${plain}`].join('\r\n');
      socket.write(
        `GET http://evil.example/orders HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n${lines}\r\n\r\n`,
      );
    });
    expect(received)
      .to.match(/^HTTP\/1\.1 401 /)
      .and.to.contain('another address');
  });

  it('knows the whole path of a request below a mounted router', async () => {
    const base = await serve({}, '/v1/shop');
    const token = await tokenFor();
    const url = `${base}/v1/shop/orders`;
    for (const [at, status] of [
      [url, 200],
      [`${base}/orders`, 401],
    ] as const) {
      const dpop = await signer.proof({ method: 'GET', url: at, token, now });
      const answer = await call(base, { authorization: `DPoP ${token}`, dpop, path: '/v1/shop/orders?a=b' });
      expect(answer.status, at).to.equal(status);
    }
  });

  it('is checked for any framework that says method, address and proof', async () => {
    const waybill = checking('https://shop.example');
    const token = await tokenFor();
    const authorization = `DPoP ${token}`;
    const make = () => signer.proof({ method: 'PUT', url: `${SHOP}/orders/7`, token, now });
    for (const url of [
      '/orders/7?a=b',
      'https://anything.example/orders/7',
      'http://10.0.0.1:8080/orders/7#x',
    ]) {
      const context = await waybill.authenticate({ authorization, dpop: await make(), method: 'PUT', url });
      expect(context.claims['cnf']).to.deep.equal({ jkt: signer.jkt });
    }
    const dpop = await make();
    for (const given of [
      { dpop },
      { dpop, method: 'PUT' },
      { dpop, url: '/orders/7' },
      { dpop, method: 'PUT', url: '*' },
      { dpop, method: 'PUT', url: '//evil.example/orders/7' },
      { dpop: [dpop, dpop], method: 'PUT', url: '/orders/7' },
      { dpop: [], method: 'PUT', url: '/orders/7' },
    ]) {
      const error = await failure(
        'invalid_dpop_proof',
        () => waybill.authenticate({ authorization, ...given }),
        token,
        dpop,
      );
      expect(refusal(error)?.headers['www-authenticate']).to.match(/^DPoP error="invalid_dpop_proof"/);
    }
    const used = await waybill.authenticate({ authorization, dpop: [dpop], method: 'PUT', url: '/orders/7' });
    expect(used.scopes).to.deep.equal(['order']);
  });

  it('RFC 8693: leads to children that are bound to no key, presented as bearer tokens', async () => {
    const waybill = checking('https://shop.example');
    const token = await tokenFor();
    const dpop = await signer.proof({ method: 'GET', url: `${SHOP}/orders`, token, now });
    const given = { authorization: `DPoP ${token}`, dpop, method: 'GET', url: '/orders' };
    const { authorization } = (await waybill.authenticate(given)).headersFor('payment');
    const payment = extractor({
      issuer: issuer.url,
      audience: 'https://payment.example',
      caller: 'none',
      clock: () => now,
    });
    const { claims } = await payment.authenticate({ authorization });
    expect(claims).to.include({ sub: 'free', scope: 'charge' }).and.to.not.have.property('cnf');
  });

  it('RFC 8693: is exchanged by the service that received it', async () => {
    const credentials = { clientId: 'shop', secret: secretOf('shop') };
    const waybill = checking('https://shop.example', { credentials });
    const token = await tokenFor();
    const dpop = await signer.proof({ method: 'GET', url: `${SHOP}/orders`, token, now });
    const given = { authorization: `DPoP ${token}`, dpop, method: 'GET', url: '/orders' };
    const { authorization } = await (await waybill.authenticate(given)).obtainHeaders('audit');
    const audit = extractor({
      issuer: issuer.url,
      audience: 'https://audit.example',
      caller: 'none',
      clock: () => now,
    });
    const { claims } = await audit.authenticate({ authorization });
    expect(claims)
      .to.deep.include({ act: { sub: 'spiffe://example/shop' } })
      .and.to.not.have.property('cnf');
  });

  it('rule 7: is never forwarded', async () => {
    const log = 'https://log.example';
    const other = await startSigner();
    const waybill = extractorFor(other);
    const token = await other.token({ aud: [AUDIENCE, log], cnf: { jkt: signer.jkt } });
    const dpop = await signer.proof({ method: 'GET', url: `${AUDIENCE}/`, token, now: NOW });
    const context = await waybill.authenticate({
      authorization: `DPoP ${token}`,
      dpop,
      method: 'GET',
      url: '/',
    });
    const error = await failure('child_foreign', () => context.headersFor(`${log}/x`), token);
    expect(error.message).to.match(/bound to its client's key is not forwarded/);
    const free = await waybill.authenticate({
      authorization: `Bearer ${await other.token({ aud: [AUDIENCE, log] })}`,
    });
    expect(free.headersFor(`${log}/x`).authorization).to.match(/^Bearer /);
  });

  it('is refused where it is bound to two keys and one of them is not shown', async () => {
    const other = await startSigner();
    const token = await other.token({ cnf: { jkt: signer.jkt, 'x5t#S256': 'A'.repeat(43) } });
    const dpop = await signer.proof({ method: 'GET', url: `${AUDIENCE}/`, token, now: NOW });
    const given = { authorization: `DPoP ${token}`, dpop, method: 'GET', url: '/' };
    const error = await failure('token_presenter', () => extractorFor(other).authenticate(given), token);
    expect(error.message).to.match(/certificate/);
  });

  it('refuses addresses that are none', async () => {
    for (const addresses of [
      ['shop'],
      [''],
      ['https://a.example/?x'],
      ['https://u@a.example'],
      'https://a.example',
      [7],
    ])
      await failure('usage', () => checking('', { addresses: addresses as string[] }));
    await failure('usage', () => checking('https://a.example', { cache: { proofs: 0 } }));
    await failure('usage', () => checking('https://a.example', { gateways: 'x' as never }));
  });
});
