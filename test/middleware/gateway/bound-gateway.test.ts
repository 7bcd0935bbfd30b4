/** Bound tokens at the gateway: who holds the key gets the root through, unbound; nobody else gets anything. */
import type { RequestListener } from 'node:http';

import { expect } from 'chai';
import express from 'express';
import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';

import { thumbprintOf } from '../../../src/identity/index.ts';
import { memoryStore, type Store } from '../../../src/issuer/stores/index.ts';
import type { Confirmation } from '../../../src/token/index.ts';
import {
  extractor,
  gateway,
  type ExtractorOptions,
  type Gateway,
  type GatewayOptions,
} from '../../../src/middleware/index.ts';
import { SHOP, boundShop } from '../../support/graphs/bound.ts';
import { proofSigner, type ProofSigner } from '../../support/keys/dpop.ts';
import { clientOf, issuerFor, secretOf } from '../../support/issuer/issue.ts';
import { tokenAt } from '../../support/issuer/trees.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { type Answer, closeServers, listen } from '../../support/http.ts';
import { planOf } from '../../support/compile.ts';
import { selfSigned, testCa, type Identity } from '../../support/keys/certificates.ts';
import { listenTls, sendTls, stopTlsServers, type TlsAnswer } from '../../support/tls.ts';
import { failure } from '../../support/failure.ts';
import type { Json } from '../../support/keys/signer.ts';
import { isIntrospection } from '../services.ts';

const INSECURE = { [oauth.allowInsecureRequests]: true };
const JWT = 'application/jwt';

describe('Bound tokens at the gateway', () => {
  const ca = testCa();
  let issuer: TestIssuer;
  let store: Store;
  let signer: ProofSigner;
  let now: number;
  let asked: number;

  before(async () => {
    now = 0;
    signer = await proofSigner();
    store = memoryStore({ clock: () => now });
    issuer = await startIssuer((url) => boundShop({ url }), { issuer: { clock: () => now, store } });
  });
  beforeEach(() => {
    now = Math.floor(Date.now() / 1000);
    asked = 0;
  });
  afterEach(async () => {
    await stopTlsServers();
    await closeServers();
  });
  after(stopIssuers);

  const counting: typeof fetch = async (input, init) => {
    if (isIntrospection(input)) asked += 1;
    return fetch(input, init);
  };

  const gatewayOf = (options: Partial<GatewayOptions> = {}): Gateway =>
    gateway({
      issuer: issuer.url,
      credentials: { clientId: 'edge', secret: secretOf('edge') },
      clock: () => now,
      fetch: counting,
      ...options,
    });

  const entry = (options: Partial<ExtractorOptions> = {}) =>
    extractor({ issuer: issuer.url, audience: SHOP, caller: 'none', clock: () => now, ...options });

  /** The gateway, and behind it a service that verifies the received token, and answers with it. */
  function application(options: Partial<GatewayOptions>): RequestListener {
    const app = express();
    app.use(gatewayOf(options).protect({ audience: SHOP }), entry().protect(), (request, response) => {
      const { authorization = '' } = request.headers;
      const names = request.rawHeaders
        .filter((_, index) => index % 2 === 0)
        .map((name) => name.toLowerCase());
      response.json({ root: authorization.slice('Bearer '.length), authorization, names });
    });
    return app;
  }

  async function edge(options: Partial<GatewayOptions> = {}): Promise<string> {
    let app: RequestListener = () => undefined;
    const base = await listen((request, response) => app(request, response), { maxHeaderSize: 64 * 1024 });
    app = application({ addresses: [base], ...options });
    return base;
  }

  /** What a client of the graph gets, bound to this key. */
  const tokenFor = async (client: string, cnf?: Confirmation): Promise<string> =>
    (await issuer.issuer.issue(clientOf(issuer.plan, client), { scopes: ['order'], cnf })).token;

  const bound = (client: string): Promise<string> => tokenFor(client, { jkt: signer.jkt });

  async function call(base: string, headers: Record<string, string>) {
    const response = await fetch(`${base}/orders`, { headers });
    const body = (await response.json()) as Json;
    return { status: response.status, body, challenge: response.headers.get('www-authenticate') ?? '' };
  }

  async function present(base: string, token: string, by = signer, claims: Json = {}) {
    const dpop = await by.proof({ method: 'GET', url: `${base}/orders`, token, now }, claims);
    return call(base, { authorization: `DPoP ${token}`, dpop });
  }

  /** As a gateway that knows phantom tokens asks, with what it says of the presenter. */
  const swap = (token: string, as = 'edge', proven: Record<string, string> = {}): Promise<Answer> =>
    issuer.token({ token, ...proven }, { as, path: '/introspect', headers: { accept: JWT } });

  type Answered = Awaited<ReturnType<typeof call>>;

  function expectRefused({ status, body, challenge }: Answered, code: string, scheme = 'DPoP'): void {
    expect([status, body['code']], JSON.stringify(body)).to.deep.equal([401, code]);
    expect(challenge.startsWith(`${scheme} error="`), challenge).to.equal(true);
  }

  for (const [client, what] of [
    ['web', 'a reference'],
    ['app', 'a root token'],
  ] as const) {
    describe(`${what} that is bound to a DPoP key`, () => {
      it('RFC 9449 section 7.1: goes through for who holds the key, and is bound no more behind', async () => {
        const base = await edge();
        const token = await bound(client);
        const { status, body } = await present(base, token);
        expect(status, JSON.stringify(body)).to.equal(200);
        const root = decodeJwt(body['root'] as string);
        expect(root).to.deep.include({ client_id: client, scope: 'order', aud: SHOP });
        expect(root).to.not.have.any.keys('cnf', 'act');
        expect(body['authorization']).to.match(/^Bearer eyJ/);
        expect(body['names'], 'the proof ends here').to.not.include('dpop');
        expect(tokenAt(body['root'] as string, 'payment').payload).to.not.have.property('cnf');
      });

      it('threat 2: is worthless for who stole it, though its owner’s swap is kept', async () => {
        const base = await edge();
        const token = await bound(client);
        const thief = await proofSigner();
        expect((await present(base, token)).status).to.equal(200);
        expectRefused(await call(base, { authorization: `Bearer ${token}` }), 'token_presenter');
        expectRefused(await call(base, { authorization: `DPoP ${token}` }), 'invalid_dpop_proof');
        const stolen = await present(base, token, thief);
        expectRefused(stolen, client === 'web' ? 'token_inactive' : 'token_presenter');
        expect((await present(base, token)).status).to.equal(200);
        // The owner's swap is kept; each thief of a reference is a question of its own.
        expect(asked).to.equal(client === 'web' ? 3 : 1);
      });

      it('RFC 9449 section 4.3: is refused with a proof for anything else, or one that was used', async () => {
        const base = await edge();
        const token = await bound(client);
        for (const claims of [
          { htm: 'POST' },
          { htu: `${base}/x` },
          { ath: 'x' },
          { iat: now - 61 },
          { jti: '' },
        ])
          expectRefused(await present(base, token, signer, claims), 'invalid_dpop_proof');
        const dpop = await signer.proof({ method: 'GET', url: `${base}/orders`, token, now });
        const once = { authorization: `DPoP ${token}`, dpop };
        expect((await call(base, once)).status).to.equal(200);
        expectRefused(await call(base, once), 'invalid_dpop_proof');
        const twice = { authorization: `DPoP ${token}`, dpop: `${dpop}, ${dpop}` };
        expectRefused(await call(base, twice), 'invalid_dpop_proof');
      });

      it('RFC 9449 section 7.2: keeps its binding where a gateway swaps it that checks nothing', async () => {
        const token = await bound(client);
        const { text } = await swap(token);
        expect(decodeJwt(text)['cnf']).to.deep.equal({ jkt: signer.jkt });
        const service = entry();
        const error = await failure('token_presenter', () =>
          service.authenticate({ authorization: `Bearer ${text}` }),
        );
        expect(error.message).to.match(/bound to a DPoP key/);
      });

      it('RFC 7662 section 2.1: is not swapped for another key, and unbound for its own alone', async () => {
        const token = await bound(client);
        const other = await proofSigner();
        expect((await swap(token, 'edge', { dpop_jkt: other.jkt })).status).to.equal(204);
        expect((await swap(token, 'edge', { dpop_jkt: 'x' })).status).to.equal(204);
        const mixed = await swap(token, 'edge', { 'x5t#S256': signer.jkt });
        expect(decodeJwt(mixed.text)['cnf'], 'another kind of key').to.deep.equal({ jkt: signer.jkt });
        const { text } = await swap(token, 'edge', { dpop_jkt: signer.jkt });
        expect(decodeJwt(text)).to.not.have.property('cnf');
        const entrys = await swap(token, 'shop', { dpop_jkt: signer.jkt });
        expect(decodeJwt(entrys.text), 'the entry may be its own edge').to.not.have.property('cnf');
        for (const stranger of ['free', 'guest'])
          expect((await swap(token, stranger, { dpop_jkt: signer.jkt })).status).to.equal(204);
      });

      it('threat 2: the root that went through, lifted behind the gateway, does not come in through it', async () => {
        const base = await edge();
        const { body } = await present(base, await bound(client));
        const root = body['root'] as string;
        expectRefused(await call(base, { authorization: `Bearer ${root}` }), 'token_inactive', 'Bearer');
        expectRefused(await present(base, root), 'token_presenter');
        expect((await entry().authenticate({ authorization: `Bearer ${root}` })).scopes).to.deep.equal([
          'order',
        ]);
      });

      it('threat 2: is never unbound for its own client', async () => {
        const token = await bound(client);
        const { status, text } = await swap(token, client, { dpop_jkt: signer.jkt });
        expect([status, text]).to.deep.equal(client === 'web' ? [204, ''] : [200, token]);
      });

      it('RFC 7009: is gone behind the gateway too once it was revoked', async () => {
        const base = await edge();
        const token = await bound(client);
        const first = await present(base, token);
        const inside = first.body['root'] as string;
        await issuer.token({ token }, { as: client, path: '/revoke' });
        now += 5;
        expectRefused(await present(base, token), 'token_inactive');
        const { body } = await issuer.token({ token: inside }, { as: 'shop', path: '/introspect' });
        expect(body).to.deep.equal({ active: false });
      });
    });
  }

  it('RFC 7519 section 4.1.7: a root that goes on unbound has an id of its own, and all else as it was', async () => {
    const base = await edge();
    const token = await bound('app');
    const { body } = await present(base, token);
    const { jti, ...inside } = decodeJwt(body['root'] as string);
    const { jti: first, cnf, ...outside } = decodeJwt(token);
    expect(inside).to.deep.equal(outside);
    expect(cnf).to.deep.equal({ jkt: signer.jkt });
    const txn = outside['txn'] as string;
    expect(first).to.equal(`${txn}.0`);
    expect(jti).to.match(new RegExp(`^${txn}\\.[A-Za-z0-9_-]{11}\\.0$`));
    expect((body['root'] as string).length).to.be.below(token.length);
  });

  it('threat 15: sends on no DPoP header, whatever stands in it', async () => {
    const base = await edge();
    const token = await tokenFor('guest');
    const { status, body } = await call(base, { authorization: `Bearer ${token}`, dpop: 'no proof at all' });
    expect(status).to.equal(200);
    expect(body['names']).to.not.include('dpop');
  });

  it('RFC 9449 section 7.1: what is bound to nothing is refused with the scheme DPoP', async () => {
    const base = await edge();
    for (const [client, code] of [
      ['guest', 'token_inactive'],
      ['free', 'token_presenter'],
    ] as const) {
      const token = await tokenFor(client);
      expectRefused(await present(base, token), code);
      expect((await call(base, { authorization: `Bearer ${token}` })).status).to.equal(200);
      expectRefused(await present(base, token), code);
    }
  });

  it('is what oauth4webapi gets and presents, as a reference', async () => {
    const base = await edge();
    const address = new URL(issuer.url);
    const found = await oauth.discoveryRequest(address, { algorithm: 'oauth2', ...INSECURE });
    const server = await oauth.processDiscoveryResponse(address, found);
    const client = { client_id: 'web' };
    const DPoP = oauth.DPoP({}, await oauth.generateKeyPair('Ed25519'));
    const auth = oauth.ClientSecretBasic(secretOf('web'));
    const options = { DPoP, ...INSECURE };
    const answer = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      auth,
      { scope: 'order' },
      options,
    );
    const { access_token: token, token_type: type } = await oauth.processClientCredentialsResponse(
      server,
      client,
      answer,
    );
    expect(type).to.equal('dpop');
    expect(token).to.match(/^wbo_/);
    for (let time = 0; time < 2; time += 1) {
      const at = new URL(`${base}/orders`);
      const response = await oauth.protectedResourceRequest(token, 'GET', at, new Headers(), null, options);
      expect(response.status).to.equal(200);
    }
    expect(asked).to.equal(1);
  });

  it('RFC 9449 section 4.3, 9: has the origin of the audience as its address, unless others are given', async () => {
    const base = await edge({ addresses: undefined });
    const token = await bound('web');
    const dpop = await signer.proof({ method: 'GET', url: `${SHOP}/orders`, token, now });
    expect((await call(base, { authorization: `DPoP ${token}`, dpop })).status).to.equal(200);
    expectRefused(await present(base, token), 'invalid_dpop_proof');
  });

  it('serves any framework: method, address and certificate', async () => {
    const token = await bound('web');
    const at = { method: 'GET', url: `${SHOP}/orders`, token, now };
    const headers = async (): Promise<[string, string][]> => [
      ['Authorization', `DPoP ${token}`],
      ['DPoP', await signer.proof(at)],
      ['Accept', 'a'],
    ];
    const edgeOf = gatewayOf();
    const given = { audience: SHOP, method: 'GET', url: '/orders?a=b' };
    const { token: root, headers: out } = await edgeOf.swap({ headers: await headers(), ...given });
    expect(out).to.deep.equal([
      ['Accept', 'a'],
      ['Authorization', `Bearer ${root}`],
    ]);
    const bare = { headers: await headers(), audience: SHOP };
    await failure('invalid_dpop_proof', () => edgeOf.swap(bare), token);
    const phone = ca.issue({ commonName: 'phone' });
    const desk = await tokenFor('desk', { 'x5t#S256': thumbprintOf(phone.certificate) });
    const lines: [string, string][] = [['Authorization', `Bearer ${desk}`]];
    await failure('token_presenter', () => edgeOf.swap({ headers: lines, audience: SHOP }), desk);
    const passed = await edgeOf.swap({ headers: lines, audience: SHOP, certificate: phone.certificate });
    expect(decodeJwt(passed.token ?? '')).to.not.have.property('cnf');
  });

  describe('of a certificate', () => {
    const phone = ca.issue({ commonName: 'phone' });
    const other = ca.issue({ commonName: 'phone' });
    const ask = (base: string, token: string, as?: Identity): Promise<TlsAnswer> =>
      sendTls(base, ca, { as, headers: { authorization: `Bearer ${token}` } });

    function expectRefusedFor({ status, json }: TlsAnswer, says: RegExp): void {
      expect([status, json['code']], JSON.stringify(json)).to.deep.equal([401, 'token_presenter']);
      expect(json['detail']).to.match(says);
    }

    for (const client of ['desk', 'till']) {
      it(`RFC 8705 section 3: what ${client} holds goes through on its own connection alone`, async () => {
        const base = await listenTls(application({}), ca);
        const token = await tokenFor(client, { 'x5t#S256': thumbprintOf(phone.certificate) });
        for (let time = 0; time < 2; time += 1) {
          const { status, json, text } = await ask(base, token, phone);
          expect(status, text).to.equal(200);
          expect(decodeJwt(json['root'] as string)).to.not.have.property('cnf');
          expectRefusedFor(
            await ask(base, token, other),
            /bound to another key than that of the certificate/,
          );
          expectRefusedFor(await ask(base, token), /this connection has none/);
        }
      });
    }

    it('RFC 8705 section 6.2: it need not be signed by anyone, and must not have expired', async () => {
      const base = await listenTls(application({}), ca);
      for (const [own, status] of [
        [selfSigned({ commonName: 'phone' }), 200],
        [testCa('another').issue({ commonName: 'phone' }), 200],
        [ca.issue({ commonName: 'phone', notAfter: '20200201000000Z' }), 401],
      ] as const) {
        const token = await tokenFor('desk', { 'x5t#S256': thumbprintOf(own.certificate) });
        expect((await ask(base, token, own)).status).to.equal(status);
      }
    });

    describe('that a proxy passes on', () => {
      const HEADER = 'X-Client-Cert';
      const fromHere = { clientCertHeader: HEADER, clientCertFrom: ['127.0.0.1'] };
      const escaped = ({ cert }: Identity): string => encodeURIComponent(cert);
      const send = (base: string, token: string, headers: Record<string, string>) =>
        call(base, { authorization: `Bearer ${token}`, ...headers });

      for (const client of ['desk', 'till']) {
        it(`RFC 8705 section 3, RFC 9440 section 2: is whom ${client}’s token must be bound to`, async () => {
          const base = await edge(fromHere);
          const token = await tokenFor(client, { 'x5t#S256': thumbprintOf(phone.certificate) });
          const { status, body } = await send(base, token, { [HEADER]: escaped(phone) });
          expect(status, JSON.stringify(body)).to.equal(200);
          expect(decodeJwt(body['root'] as string)).to.not.have.property('cnf');
          for (const headers of [{}, { [HEADER]: escaped(other) }, { [HEADER]: 'x' }] as Record<
            string,
            string
          >[])
            expectRefused(await send(base, token, headers), 'token_presenter', 'Bearer');
        });
      }

      it('RFC 9440 section 4: is not believed from anyone else', async () => {
        const token = await tokenFor('till', { 'x5t#S256': thumbprintOf(phone.certificate) });
        for (const options of [{ ...fromHere, clientCertFrom: ['10.0.0.0/8'] }, {}]) {
          const base = await edge(options);
          const answer = await send(base, token, { [HEADER]: escaped(phone) });
          expectRefused(answer, 'token_presenter', 'Bearer');
        }
      });

      it('threat 15: ends at the gateway, from the proxy or from anyone else', async () => {
        const token = await tokenFor('free');
        for (const clientCertFrom of [['127.0.0.1'], ['10.0.0.1']]) {
          const base = await edge({ clientCertHeader: 'client-cert', clientCertFrom });
          const sent = { 'Client-Cert': 'x', 'client-cert-chain': 'x', client_cert: 'x', 'x-other': 'kept' };
          const { status, body } = await send(base, token, sent);
          expect(status).to.equal(200);
          expect(body['names']).to.include('x-other');
          expect(body['names']).to.not.include.any.members([
            'client-cert',
            'client-cert-chain',
            'client_cert',
          ]);
        }
      });

      it('of the proxy’s own connection does not count in its place', async () => {
        const base = await listenTls(application(fromHere), ca);
        const token = await tokenFor('till', { 'x5t#S256': thumbprintOf(phone.certificate) });
        expect((await ask(base, token, phone)).status).to.equal(401);
      });

      it('is available to frameworks other than Express, whoever signed it', async () => {
        const own = selfSigned({ commonName: 'phone' });
        const token = await tokenFor('desk', { 'x5t#S256': thumbprintOf(own.certificate) });
        const edgeOf = gatewayOf(fromHere);
        const base = await listen((request, response) => {
          const headers = [['Authorization', `Bearer ${token}`]] as [string, string][];
          edgeOf.swap({ headers, audience: SHOP, certificate: edgeOf.certificateOf(request) }).then(
            () => response.end('{}'),
            () => response.writeHead(401).end('{}'),
          );
        });
        expect((await call(base, { [HEADER]: escaped(own) })).status).to.equal(200);
        expect((await call(base, {})).status).to.equal(401);
      });

      it('needs both options, of their right shape', async () => {
        for (const options of [
          { clientCertHeader: HEADER },
          { clientCertFrom: ['127.0.0.1'] },
          { ...fromHere, clientCertFrom: ['localhost'] },
          { ...fromHere, clientCertHeader: 'client cert' },
        ])
          expect((await failure('usage', () => gatewayOf(options))).message).to.match(/clientCert/);
      });
    });

    it('a connection with a certificate does not keep out what is bound to none', async () => {
      const base = await listenTls(application({}), ca);
      for (const client of ['guest', 'free'])
        expect((await ask(base, await tokenFor(client), phone)).status).to.equal(200);
    });
  });

  it('threat 1: the root behind the gateway is for the gateway alone to present, where the entry checks callers', async () => {
    const [own, service] = ['spiffe://example/edge', 'spiffe://example/payment'];
    const swapped = await swap(await bound('web'), 'edge', { dpop_jkt: signer.jkt });
    const authorization = `Bearer ${swapped.text}`;
    const svid = (uri: string) => ca.issue({ uris: [uri] }).certificate;
    const strict = entry({ caller: 'mtls' });
    const knowing = entry({ caller: 'mtls', gateways: [own] });
    await failure('token_presenter', () => strict.authenticate({ authorization, certificate: svid(own) }));
    const context = await knowing.authenticate({ authorization, certificate: svid(own) });
    expect(context.claims.sub).to.equal('web');
    for (const certificate of [undefined, svid(service), svid(`${own}/x`)]) {
      const lifted = () => knowing.authenticate({ authorization, certificate });
      await failure('token_presenter', lifted, swapped.text);
    }
    const child = `Bearer ${tokenAt(swapped.text, 'payment').compact}`;
    const payment = extractor({
      issuer: issuer.url,
      audience: 'https://payment.example',
      caller: 'mtls',
      gateways: [own],
      clock: () => now,
    });
    const shop = svid('spiffe://example/shop');
    expect((await payment.authenticate({ authorization: child, certificate: shop })).scopes).to.deep.equal([
      'charge',
    ]);
    // A gateway presents roots, and no child in the place of its caller.
    await failure('token_presenter', () =>
      payment.authenticate({ authorization: child, certificate: svid(own) }),
    );
  });

  it('threat 1: over real mutual TLS, an unverified certificate is not a gateway’s', async () => {
    const own = 'spiffe://example/edge';
    const { text } = await swap(await tokenFor('guest'));
    const protect = entry({ caller: 'mtls', gateways: [own] }).protect();
    const base = await listenTls((request, response) => {
      protect(request, response, () => response.end('in'));
    }, ca);
    const ask = async (as?: Identity) =>
      (await sendTls(base, ca, { as, headers: { authorization: `Bearer ${text}` } })).status;
    expect(await ask(ca.issue({ uris: [own] }))).to.equal(200);
    expect(await ask(selfSigned({ uris: [own] }))).to.equal(401);
    expect(await ask(testCa('another').issue({ uris: [own] }))).to.equal(401);
    expect(await ask()).to.equal(401);
  });

  it('a reloaded graph that binds a client’s tokens takes back those that are not bound', async () => {
    const bare = await tokenFor('guest');
    const [dpop, certificate] = [
      await bound('guest'),
      await tokenFor('desk', { 'x5t#S256': 'A'.repeat(43) }),
    ];
    const graph = boundShop({ url: issuer.url })
      .replace('guest: {', 'guest: { dpop_bound_access_tokens: true,')
      .replace(/(desk:.*?)tls_client_certificate_bound/s, '$1dpop_bound');
    const before = issuer.issuer;
    issuer.issuer = await issuerFor(planOf(graph), () => now, { store });
    try {
      expect((await swap(bare)).status).to.equal(204);
      expect((await swap(certificate)).status).to.equal(204);
      expect(decodeJwt((await swap(dpop)).text)['cnf']).to.deep.equal({ jkt: signer.jkt });
    } finally {
      issuer.issuer = before;
    }
  });
});
