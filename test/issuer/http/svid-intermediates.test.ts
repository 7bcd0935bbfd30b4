/** X.509-SVIDs whose authorities stand below those of the bundle, as SPIRE's mostly do: over TLS, and from a proxy. */
import { Agent } from 'node:https';

import { expect } from 'chai';
import * as oauth from 'oauth4webapi';

import {
  testCa,
  type CertificateNames,
  type Identity,
  type TestCa,
  derOf,
} from '../../support/keys/certificates.ts';
import { bundleOf, startTlsIssuer, tokenForm, type TlsIssuer } from '../../support/issuer/tls.ts';
import { stopIssuers } from '../../support/issuer/start.ts';
import { fetchWith, sendTls, type TlsAnswer } from '../../support/tls.ts';

const ID = 'spiffe://shop.example/till';

const graph = (url: string): string => `
waybill: 1
name: shop
issuer: { url: '${url}' }
defaults: { headers: { profile: go } }
clients:
  till: { auth: { method: spiffe_x509, spiffe_id: '${ID}', bundle_file: shop.json }, calls: { orders: [place] } }
  twin: { auth: { method: spiffe_x509, spiffe_id: 'spiffe://shop.example/two', bundle_file: shop.json }, calls: { orders: [place] } }
  other: { auth: { method: spiffe_x509, spiffe_id: 'spiffe://shop.example/two', bundle_file: shop.json }, calls: { orders: [place] } }
  friend: { auth: { method: spiffe_x509, spiffe_id: 'spiffe://friend.example/till', bundle_file: friend.json }, calls: { orders: [place] } }
services: { orders: { scopes: { place: {} } } }
`;

describe('an X.509-SVID with intermediates', () => {
  const ca = testCa('tls authority');
  const [shop, friend] = [testCa('shop.example'), testCa('friend.example')];
  const lower = shop.authority({ commonName: 'upper' }).authority({ commonName: 'lower' });
  const keySets = new Map<string, unknown>([
    ...['till', 'twin', 'other'].map((name) => [name, bundleOf(shop)] as const),
    ['friend', bundleOf(friend)],
  ]);
  let issuer: TlsIssuer;

  before(async () => {
    issuer = await startTlsIssuer(graph, { ca, keySets });
  });
  after(stopIssuers);

  const svid = (authority: TestCa = lower, names: CertificateNames = {}): Identity =>
    authority.issue({ uris: [ID], ...names });

  function expectRefused(answer: TlsAnswer): void {
    expect(answer.status, answer.text).to.equal(401);
    expect(answer.json['error']).to.equal('invalid_client');
  }

  it('draft-ietf-oauth-spiffe-client-auth section 3.2: is known by the path to its bundle', async () => {
    for (const client_id of ['till', ID]) {
      const answer = await issuer.ask({ client_id }, svid());
      expect(answer.status, answer.text).to.equal(200);
    }
    const { cert, key, chain } = svid();
    expectRefused(await issuer.ask({ client_id: ID }, { ...svid(), cert, key, chain: cert }));
    expect((await issuer.ask({ client_id: ID }, { ...svid(), cert, key, chain })).status).to.equal(200);
  });

  it('threat 17: over intermediates too, a bundle vouches for its own trust domain alone', async () => {
    const below = friend.authority({ commonName: 'lower' });
    expectRefused(await issuer.ask({ client_id: ID }, svid(below)));
    expectRefused(
      await issuer.ask({ client_id: 'friend' }, svid(lower, { uris: ['spiffe://friend.example/till'] })),
    );
    const own = svid(below, { uris: ['spiffe://friend.example/till'] });
    expect((await issuer.ask({ client_id: 'friend' }, own)).status).to.equal(200);
  });

  it('X.509-SVID section 3.2: is not signed by another workload, whatever that one sends along', async () => {
    const worker = lower.authority({
      commonName: 'worker',
      isAuthority: false,
      uris: ['spiffe://shop.example/worker'],
    });
    expectRefused(await issuer.ask({ client_id: ID }, svid(worker)));
    expect(issuer.logText()).to.include('no authority of the bundle signed it');
  });

  it('draft-ietf-oauth-spiffe-client-auth section 3.2: says in the log what is wrong, and to nobody else', async () => {
    const short = shop.authority({ commonName: 'short', pathLength: 0 }).authority({ commonName: 'below' });
    const cases: readonly (readonly [Identity, string])[] = [
      [svid(short), 'the path is longer than an authority on it allows'],
      [svid(lower, { notAfter: '20200201000000Z' }), 'not valid now'],
      [svid(shop.authority({ commonName: 'old', notAfter: '20200201000000Z' })), 'not valid now'],
      [svid(lower, { keyUsage: 'none' }), 'lacks the key usage digitalSignature'],
      [svid(lower, { uris: [`${ID}/more`] }), 'another SPIFFE ID'],
    ];
    const texts = new Set<string>();
    for (const [identity, reason] of cases) {
      const answer = await issuer.ask({ client_id: ID }, identity);
      expectRefused(answer);
      texts.add(answer.text);
      expect(issuer.logText()).to.include(reason);
    }
    expect(texts.size).to.equal(1);
  });

  it('has its intermediates on every connection: sessions are not resumed', async () => {
    const { chain: cert, key } = svid();
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const agent = new Agent({ keepAlive: false, ca: [ca.cert], cert, key, maxVersion });
      const statuses = [];
      for (let time = 0; time < 4; time += 1) {
        const body = tokenForm({ client_id: ID });
        const headers = { 'content-type': 'application/x-www-form-urlencoded' };
        statuses.push(
          (await sendTls(`${issuer.url}/token`, ca, { agent, method: 'POST', headers, body })).status,
        );
      }
      agent.destroy();
      expect(statuses, maxVersion).to.deep.equal([200, 200, 200, 200]);
    }
  });

  it('has them for every request of a connection that is kept open', async () => {
    const { chain: cert, key } = svid();
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: [ca.cert], cert, key });
    const options = { [oauth.customFetch]: fetchWith(agent) };
    const address = new URL(issuer.url);
    const server = await oauth.processDiscoveryResponse(
      address,
      await oauth.discoveryRequest(address, { algorithm: 'oauth2', ...options }),
    );
    expect(server.token_endpoint_auth_methods_supported).to.deep.equal(['spiffe_x509']);
    for (let time = 0; time < 3; time += 1) {
      const client = { client_id: ID };
      const response = await oauth.clientCredentialsGrantRequest(
        server,
        client,
        oauth.TlsClientAuth(),
        { scope: 'place' },
        options,
      );
      expect((await oauth.processClientCredentialsResponse(server, client, response)).scope).to.equal(
        'place',
      );
    }
    agent.destroy();
  });

  it('RFC 6749 section 2.2: is that of two clients only if client_id names one of them', async () => {
    const two = lower.issue({ uris: ['spiffe://shop.example/two'] });
    expectRefused(await issuer.ask({ client_id: 'spiffe://shop.example/two' }, two));
    for (const client_id of ['twin', 'other']) {
      expect((await issuer.ask({ client_id }, two)).status).to.equal(200);
    }
  });

  describe('behind a proxy', () => {
    const escaped = (pem: string): string => encodeURIComponent(pem);

    async function behind(header: string, headers: Record<string, string>): Promise<number> {
      const options = { ca, keySets, tls: false, proxy: ['127.0.0.1'], header };
      const { url } = await startTlsIssuer(graph, options);
      const response = await fetch(`${url}/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: tokenForm({ client_id: ID }),
      });
      return response.status;
    }
    const envoy = async (value: string): Promise<number> =>
      behind('X-Forwarded-Client-Cert', { 'x-forwarded-client-cert': value });

    it('comes with its path in the Chain of Envoy, alone or beside Cert', async () => {
      const { cert, chain } = svid();
      expect(
        await envoy(`By=spiffe://a/b;Hash=ab;Cert="${escaped(cert)}";Chain="${escaped(chain)}"`),
      ).to.equal(200);
      expect(await envoy(`Hash=ab;Chain="${escaped(chain)}";Subject="";URI=${ID}`)).to.equal(200);
      expect(await envoy(`Hash=ab;Cert="${escaped(cert)}"`)).to.equal(401);
    });

    it('is nobody’s where Cert and Chain differ, stand twice, or hold anything else', async () => {
      const [{ cert, chain }, other] = [svid(), svid()];
      for (const value of [
        `Cert="${escaped(other.cert)}";Chain="${escaped(chain)}"`,
        `Cert="${escaped(cert)}";Chain="${escaped(other.chain)}"`,
        `Cert="${escaped(cert)}";Chain="${escaped(chain)}";Chain="${escaped(chain)}"`,
        `Cert="";Chain="${escaped(chain)}"`,
        `Cert="${escaped(cert)}";Chain=""`,
        `Chain="${escaped(`${chain}x`)}"`,
        `Chain="${escaped(chain.replace('CERTIFICATE', 'PRIVATE KEY'))}"`,
      ]) {
        expect(await envoy(value), value.slice(0, 30)).to.equal(401);
      }
    });

    it('RFC 9440 section 2.3: comes with its path in Client-Cert-Chain', async () => {
      const { cert, chain } = svid();
      const items = chain
        .slice(cert.length)
        .split(/(?=-----BEGIN)/)
        .map((pem) => `:${derOf(pem)}:`);
      const own = { 'client-cert': `:${derOf(cert)}:` };
      expect(await behind('Client-Cert', { ...own, 'client-cert-chain': items.join(', ') })).to.equal(200);
      expect(await behind('Client-Cert', own)).to.equal(401);
      for (const bad of ['', 'x', items.join(';'), `${items.join(',')},`, [...items, '::'].join(',')]) {
        expect(await behind('Client-Cert', { ...own, 'client-cert-chain': bad }), bad.slice(0, 9)).to.equal(
          401,
        );
      }
      // A header of another name has no chain beside it.
      const named = { 'x-cert': `:${derOf(cert)}:`, 'client-cert-chain': items.join(', ') };
      expect(await behind('X-Cert', named)).to.equal(401);
    });

    it('is bounded in bytes', async () => {
      const { cert, chain } = svid(lower, {
        uris: [ID],
        dns: Array.from({ length: 400 }, (_, n) => `d${n}.example`),
      });
      expect(await envoy(`Cert="${escaped(cert)}";Chain="${escaped(chain)}"`)).to.be.oneOf([401, 431]);
    });
  });
});
