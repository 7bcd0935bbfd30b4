/** Authentication with the certificate of the connection, at a real issuer that speaks TLS, and behind a proxy. */
import type { RequestListener } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';

import { expect } from 'chai';
import * as oauth from 'oauth4webapi';
import { pino } from 'pino';

import { createApp, listen } from '../../src/http/index.ts';
import type { RunningServer } from '../../src/http/index.ts';
import { certificateProxy } from '../../src/identity/index.ts';
import { createIssuer } from '../../src/issuer/index.ts';
import { planOf } from '../support/graph-files.ts';
import { keysFor, secretsFor } from '../support/issued.ts';
import { LOOPBACK, selfSigned, testCa } from '../support/test-ca.ts';
import type { Identity, TestCa } from '../support/test-ca.ts';
import { sendTls } from '../support/tls.ts';
import type { TlsAnswer } from '../support/tls.ts';
import { failure } from '../token/signing.ts';

const DER = (pem: string): string => pem.replace(/-----[^-]+-----|\s/g, '');
const bundle = (...authorities: TestCa[]): object => ({
  keys: authorities.map(({ cert }) => ({ kty: 'EC', use: 'x509-svid', x5c: [DER(cert)] })),
});

const graph = (url: string): string => `
waybill: 1
name: shop
issuer: { url: '${url}' }
defaults: { identity: 'spiffe://shop.example/{name}', headers: { profile: go } }
clients:
  dn: { auth: { method: tls_client_auth, subject_dn: 'CN=till\\, east,O=Shop' }, calls: { orders: [place] } }
  dns: { auth: { method: tls_client_auth, san_dns: till.shop.example }, calls: { orders: [place] } }
  uri: { auth: { method: tls_client_auth, san_uri: 'https://till.shop.example' }, calls: { orders: [place] } }
  email: { auth: { method: tls_client_auth, san_email: till@shop.example }, calls: { orders: [place] } }
  ip: { auth: { method: tls_client_auth, san_ip: 10.0.0.7 }, calls: { orders: [place] } }
  self: { auth: { method: self_signed_tls_client_auth, jwks_file: self.jwks }, calls: { orders: [place] } }
  mesh:
    auth: { method: spiffe_x509, spiffe_id: 'spiffe://shop.example/mesh', bundle_file: shop.json }
    calls: { orders: [place] }
  friend:
    auth: { method: spiffe_x509, spiffe_id: 'spiffe://friend.example/mesh', bundle_file: friend.json }
    calls: { orders: [place] }
  kiosk: { auth: { method: client_secret_post, secret_env: KIOSK }, calls: { orders: [place] } }
services:
  orders:
    auth: { method: spiffe_x509, bundle_file: shop.json }
    scopes: { place: { calls: { payment: { scopes: [charge], mode: exchange } } } }
  payment: { scopes: { charge: {} } }
`;

describe('the certificate of a client', () => {
  const ca = testCa('tls authority');
  const shop = testCa('shop.example');
  const friend = testCa('friend.example');
  const own = selfSigned({ commonName: 'self' });
  const running: RunningServer[] = [];
  let url: string;

  /** @param proxy addresses from which the header `client-cert` is believed. */
  async function start(options: { tls?: boolean; proxy?: string[]; header?: string } = {}): Promise<string> {
    const { cert, key } = ca.issue(LOOPBACK);
    let app: RequestListener = (_request, response) => void response.writeHead(503).end();
    const server = await listen((request, response) => app(request, response), {
      host: '127.0.0.1',
      port: 0,
      ...(options.tls === false ? {} : { tls: { cert, key, clientCa: ca.cert } }),
    });
    running.push(server);
    const plan = planOf(graph(server.url));
    const issuer = createIssuer({
      plan,
      keys: await keysFor('ES256'),
      secrets: secretsFor(plan),
      keySets: new Map<string, unknown>([
        ['self', { keys: [{ kty: 'EC', x5c: [DER(own.cert)] }] }],
        ['mesh', bundle(shop)],
        ['orders', bundle(shop)],
        ['friend', bundle(friend)],
      ]),
    });
    app = createApp({
      issuer: () => issuer,
      log: pino({ level: 'silent' }),
      certificateProxy: options.proxy && certificateProxy(options.header ?? 'Client-Cert', options.proxy),
      clientCertificates: options.tls === false && !options.proxy ? 'none' : 'verified',
    });
    return server.url;
  }

  before(async () => {
    url = await start();
  });
  after(() => Promise.all(running.map((server) => server.close())));

  const ask = (client_id: string, as?: Identity, more: Record<string, string> = {}): Promise<TlsAnswer> =>
    sendTls(`${url}/token`, ca, {
      as,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: 'place',
        client_id,
        ...more,
      }).toString(),
    });

  function expectRefused(answer: TlsAnswer): void {
    expect(answer.status, answer.text).to.equal(401);
    expect(answer.json['error']).to.equal('invalid_client');
  }

  const NAMED = {
    dn: { organisation: 'Shop', commonName: 'till, east' },
    dns: { dns: ['till.shop.example', 'other.example'] },
    uri: { uris: ['https://till.shop.example'] },
    email: { emails: ['till@shop.example'] },
    ip: { ips: [[10, 0, 0, 7]] },
  };

  for (const [client, names] of Object.entries(NAMED)) {
    it(`RFC 8705 section 2.1.2: is known by its ${client}`, async () => {
      const answer = await ask(client, ca.issue(names));
      expect(answer.status, answer.text).to.equal(200);
      expect(answer.json['scope']).to.equal('place');
    });

    it(`RFC 8705 section 2.1: by its ${client} only where an authority of the server signed it`, async () => {
      expectRefused(await ask(client, selfSigned(names)));
      expectRefused(await ask(client, testCa('another').issue(names)));
      expectRefused(await ask(client, shop.issue(names)));
      expectRefused(await ask(client));
    });

    it(`RFC 8705 section 2: is not another client's by its ${client}`, async () => {
      for (const other of [
        ...Object.keys(NAMED),
        'self',
        'mesh',
        'kiosk',
        'nobody',
        'spiffe://shop.example/mesh',
      ]) {
        if (other !== client) expectRefused(await ask(other, ca.issue(names)));
      }
    });
  }

  it('RFC 8705 section 2.1.2: is compared whole, wildcards and authorities are no one', async () => {
    expectRefused(await ask('dns', ca.issue({ dns: ['*.shop.example'] })));
    expectRefused(await ask('dns', ca.issue({ dns: ['till.shop.example.evil.example'] })));
    expectRefused(await ask('dns', ca.issue({ commonName: 'till.shop.example' })));
    expectRefused(await ask('dn', ca.issue({ organisation: 'Shop', commonName: 'till' })));
    expectRefused(await ask('dn', ca.issue({ commonName: 'till, east' })));
    expectRefused(await ask('dn', ca.issue({ commonName: 'till, east,O=Shop' })));
    expectRefused(await ask('uri', ca.issue({ uris: ['https://till.shop.example'], isAuthority: true })));
    expectRefused(
      await ask('uri', ca.issue({ uris: ['https://till.shop.example'], notAfter: '20200201000000Z' })),
    );
  });

  it('RFC 8705 section 2.2: is itself registered, whoever signed it', async () => {
    expect((await ask('self', own)).status).to.equal(200);
    expectRefused(await ask('self', selfSigned({ commonName: 'self' })));
    expectRefused(await ask('self', ca.issue({ commonName: 'self' })));
    expectRefused(await ask('dns', own));
  });

  it('X.509-SVID: is that of a SPIFFE ID, named by it or by the name in the graph', async () => {
    const svid = shop.issue({ uris: ['spiffe://shop.example/mesh'] });
    expect((await ask('mesh', svid)).status).to.equal(200);
    expect((await ask('spiffe://shop.example/mesh', svid)).status).to.equal(200);
    const service = await ask(
      'spiffe://shop.example/orders',
      shop.issue({ uris: ['spiffe://shop.example/orders'] }),
    );
    expect(service.json['error'], 'a service, known, that may not ask for trees').to.equal(
      'unauthorized_client',
    );
  });

  it('threat 17: a bundle vouches for its own trust domain alone', async () => {
    expect((await ask('friend', friend.issue({ uris: ['spiffe://friend.example/mesh'] }))).status).to.equal(
      200,
    );
    expectRefused(await ask('mesh', friend.issue({ uris: ['spiffe://shop.example/mesh'] })));
    expectRefused(await ask('mesh', ca.issue({ uris: ['spiffe://shop.example/mesh'] })));
    expectRefused(await ask('mesh', testCa('shop.example').issue({ uris: ['spiffe://shop.example/mesh'] })));
    expectRefused(await ask('friend', friend.issue({ uris: ['spiffe://shop.example/mesh'] })));
  });

  it('threat 17: an SVID is compared whole, has one URI, and is no authority', async () => {
    const id = 'spiffe://shop.example/mesh';
    for (const uris of [
      [`${id}/x`],
      [`${id}x`],
      ['spiffe://shop.example/mes'],
      [id, 'spiffe://shop.example/orders'],
      [id, 'https://x'],
    ]) {
      expectRefused(await ask('mesh', shop.issue({ uris })));
      expectRefused(await ask(id, shop.issue({ uris })));
    }
    expectRefused(await ask('mesh', shop.issue({ uris: [id], isAuthority: true })));
    expectRefused(await ask('mesh', shop.issue({ uris: [id], notAfter: '20200201000000Z' })));
    expectRefused(await ask('mesh', shop.issue({ dns: [id] })));
  });

  it('answers alike, whatever does not fit', async () => {
    const stranger = shop.issue({ commonName: 'x' });
    const texts = await Promise.all(
      ['dn', 'self', 'mesh', 'kiosk', 'nobody', '__proto__'].map(
        async (name) => (await ask(name, stranger)).text,
      ),
    );
    expect(new Set(texts).size).to.equal(1);
  });

  it('RFC 6749 section 2.3: says nothing where the request authenticates in another way', async () => {
    const answer = await ask('dns', ca.issue(NAMED.dns), { client_secret: 'guess' });
    expectRefused(answer);
    const secret = secretsFor(planOf(graph('https://127.0.0.1:1'))).get('kiosk') ?? '';
    const kiosk = await ask('kiosk', ca.issue(NAMED.dns), { client_secret: secret });
    expect(kiosk.status, 'a certificate beside a secret is only part of the connection').to.equal(200);
  });

  it('RFC 8705 section 2: is what oauth4webapi sends with TlsClientAuth', async () => {
    const { cert, key } = ca.issue(NAMED.dns);
    const agent = new Agent({ ca: [ca.cert], cert, key, keepAlive: false });
    const options = { [oauth.customFetch]: fetchWith(agent) };
    const address = new URL(url);
    const server = await oauth.processDiscoveryResponse(
      address,
      await oauth.discoveryRequest(address, { algorithm: 'oauth2', ...options }),
    );
    expect(server.token_endpoint_auth_methods_supported).to.include.members([
      'tls_client_auth',
      'self_signed_tls_client_auth',
    ]);
    const client = { client_id: 'dns' };
    const response = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      oauth.TlsClientAuth(),
      { scope: 'place' },
      options,
    );
    expect((await oauth.processClientCredentialsResponse(server, client, response)).scope).to.equal('place');
  });

  it('starts only with key sets that hold what the method needs', async () => {
    const plan = planOf(graph('https://127.0.0.1:1'));
    const keys = await keysFor('ES256');
    const make = (name: string, document: unknown) => () => {
      const good: [string, unknown][] = [
        ['self', { keys: [{ x5c: [DER(own.cert)] }] }],
        ['mesh', bundle(shop)],
        ['orders', bundle(shop)],
        ['friend', bundle(friend)],
      ];
      const keySets = new Map<string, unknown>([...good, [name, document]]);
      return createIssuer({ plan, keys, secrets: secretsFor(plan), keySets });
    };
    expect(make('self', { keys: [{ x5c: [DER(own.cert)] }] })()).to.be.an('object');
    await failure('keys_missing', make('self', undefined));
    for (const document of [{}, { keys: [] }, { keys: [{ x5c: ['AAAA'] }] }, null, []])
      await failure('keys_invalid', make('self', document));
    for (const document of [
      { keys: [] },
      { keys: [{ use: 'x509-svid', x5c: [DER(own.cert)] }] },
      { keys: [{ use: 'jwt-svid' }] },
    ])
      await failure('keys_invalid', make('mesh', document));
  });

  describe('behind a proxy', () => {
    const named = ca.issue(NAMED.dns);
    const escaped = encodeURIComponent(named.cert);

    async function behind(
      proxy: string[],
      headers: Record<string, string> | [string, string][],
      header?: string,
    ): Promise<number> {
      const origin = await start({ tls: false, proxy, ...(header ? { header } : {}) });
      const response = await fetch(`${origin}/token`, {
        method: 'POST',
        headers: new Headers(headers),
        body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'place', client_id: 'dns' }),
      });
      return response.status;
    }

    it('RFC 9440 section 2.2: comes in a header from a named address', async () => {
      for (const addresses of [['127.0.0.1'], ['10.0.0.1', '127.0.0.0/8'], ['::1', '127.0.0.1']]) {
        expect(await behind(addresses, { 'client-cert': `:${DER(named.cert)}:` })).to.equal(200);
      }
      expect(await behind(['127.0.0.1'], { 'client-cert': escaped })).to.equal(200);
      const envoy = `By=spiffe://a/b;Hash=ab;Cert="${escaped}";Subject="CN=a,O=b";URI=`;
      expect(
        await behind(['127.0.0.1'], { 'x-forwarded-client-cert': envoy }, 'X-Forwarded-Client-Cert'),
      ).to.equal(200);
    });

    it('RFC 9440 section 4: is not believed from anyone else', async () => {
      const headers = { 'client-cert': `:${DER(named.cert)}:` };
      expect(await behind(['10.0.0.1', '127.0.0.2'], headers)).to.equal(401);
      expect(await behind(['127.0.0.1'], headers, 'another-header')).to.equal(401);
      const direct = await start({ tls: false });
      const response = await fetch(`${direct}/token`, {
        method: 'POST',
        headers,
        body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'place', client_id: 'dns' }),
      });
      expect(response.status).to.equal(401);
    });

    it('is nobody’s where there are two, or none that reads', async () => {
      const structured = `:${DER(named.cert)}:`;
      for (const value of [
        '',
        'x',
        ':AAAA:',
        '::',
        `${structured}, ${structured}`,
        encodeURIComponent(named.cert + named.cert),
        `Cert="${escaped}",Cert="${escaped}"`,
        `Cert="${escaped}";Cert="${escaped}"`,
        `Hash=a,By=b;Cert="${escaped}"`,
        `%zz${escaped}`,
      ]) {
        expect(await behind(['127.0.0.1'], { 'client-cert': value }), value.slice(0, 20)).to.equal(401);
      }
      const twice: [string, string][] = [
        ['client-cert', structured],
        ['client-cert', structured],
      ];
      expect(await behind(['127.0.0.1'], twice)).to.equal(401);
    });

    it('has addresses that are addresses', () => {
      for (const address of ['', 'localhost', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '::/129', '1.2.3'])
        expect(certificateProxy('client-cert', [address]), address).to.equal(undefined);
      expect(certificateProxy('client cert', ['10.0.0.1'])).to.equal(undefined);
      expect(certificateProxy('client-cert', [])).to.equal(undefined);
    });
  });
});

/** `fetch` over an agent that shows a certificate, as far as a client library needs it. */
function fetchWith(agent: Agent) {
  return async (
    address: string,
    init: { body?: URLSearchParams | null | undefined; headers?: Record<string, string>; method?: string },
  ): Promise<Response> =>
    new Promise((resolve, reject) => {
      const { method = 'GET', headers = {}, body } = init;
      const asked = httpsRequest(address, { agent, method, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const received = Object.entries(response.headers) as [string, string][];
          resolve(
            new Response(Buffer.concat(chunks), { status: response.statusCode ?? 0, headers: received }),
          );
        });
      });
      asked.on('error', reject).end(body?.toString());
    });
}
