import { expect } from 'chai';

import { createApp, listen } from '../../../src/issuer/http/index.ts';
import { issuerFor } from '../../support/issuer/issue.ts';
import { planOf } from '../../support/compile.ts';
import { send, sendRaw } from '../../support/http.ts';
import { shop } from '../../support/graphs/shop.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { pino } from 'pino';

const METADATA = '/.well-known/oauth-authorization-server';

describe('Public endpoints', () => {
  let issuer: TestIssuer;

  before(async () => {
    issuer = await startIssuer(shop);
  });
  after(stopIssuers);

  it('RFC 8414 section 2: metadata names issuer, endpoints, grants and the methods of the clients', async () => {
    const { status, headers, body } = await send(`${issuer.url}${METADATA}`);
    expect(status).to.equal(200);
    expect(headers.get('content-type')).to.equal('application/json');
    expect(headers.get('cache-control')).to.equal('public, max-age=60');
    expect(body).to.deep.equal({
      issuer: issuer.url,
      token_endpoint: `${issuer.url}/token`,
      jwks_uri: `${issuer.url}/jwks`,
      grant_types_supported: [
        'client_credentials',
        'urn:ietf:params:oauth:grant-type:token-exchange',
        'urn:ietf:params:oauth:grant-type:jwt-bearer',
      ],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      introspection_endpoint: `${issuer.url}/introspect`,
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      introspection_signing_alg_values_supported: ['ES256'],
      revocation_endpoint: `${issuer.url}/revoke`,
      revocation_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      dpop_signing_alg_values_supported: ['ES256', 'Ed25519', 'PS256', 'RS256'],
      response_types_supported: [],
    });
  });

  it('RFC 7517 section 5: jwks has the public key, may be kept for a minute, and has nothing private', async () => {
    const { status, headers, text } = await send(`${issuer.url}/jwks`);
    expect(status).to.equal(200);
    expect(headers.get('content-type')).to.equal('application/jwk-set+json');
    expect(headers.get('cache-control')).to.equal('public, max-age=60');
    const { keys } = JSON.parse(text) as { keys: Record<string, string>[] };
    expect(keys.map((key) => Object.keys(key).sort())).to.deep.equal([
      ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'],
    ]);
  });

  it('healthz and readyz answer 200, and readyz says which graph runs', async () => {
    expect((await send(`${issuer.url}/healthz`)).body).to.deep.equal({ status: 'ok' });
    const ready = await send(`${issuer.url}/readyz`);
    expect([ready.status, ready.body]).to.deep.equal([200, { status: 'ready', graph: issuer.plan.digest }]);
  });

  it('readyz answers 503 while the issuer stops, healthz 200', async () => {
    const plan = planOf(shop('https://tokens.example'));
    const answering = await issuerFor(plan);
    const app = createApp({ issuer: () => answering, log: pino({ level: 'silent' }), ready: () => false });
    const server = await listen(app, { host: '127.0.0.1', port: 0 });
    const ready = await send(`${server.url}/readyz`);
    expect([ready.status, ready.body['status']]).to.deep.equal([503, 'stopping']);
    expect((await send(`${server.url}/healthz`)).status).to.equal(200);
    await server.close();
  });

  for (const path of [METADATA, '/jwks', '/healthz', '/readyz']) {
    it(`RFC 9110 section 9.3.2: HEAD ${path} has the headers of GET and no body`, async () => {
      const get = await send(`${issuer.url}${path}`);
      const head = await send(`${issuer.url}${path}`, { method: 'HEAD' });
      expect([head.status, head.text]).to.deep.equal([200, '']);
      expect(head.headers.get('content-length')).to.equal(get.headers.get('content-length'));
    });

    it(`RFC 9110 section 15.5.6, RFC 9457 section 3: POST ${path} is 405 and allows GET and HEAD`, async () => {
      const { status, headers, body } = await send(`${issuer.url}${path}`, { method: 'POST' });
      expect([status, headers.get('allow')]).to.deep.equal([405, 'GET, HEAD']);
      expect(headers.get('content-type')).to.equal('application/problem+json');
      expect(body).to.include({ title: 'Method Not Allowed', status: 405 as never });
    });
  }

  for (const [path, section] of [
    ['/token', 'RFC 6749 section 3.2'],
    ['/introspect', 'RFC 7662 section 2.1'],
    ['/revoke', 'RFC 7009 section 2.1'],
  ] as const) {
    it(`${section}: ${path} takes POST alone, and answers 405 to everything else`, async () => {
      for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']) {
        const { status, headers } = await send(`${issuer.url}${path}?token=x`, { method });
        expect([status, headers.get('allow')], method).to.deep.equal([405, 'POST']);
      }
    });
  }

  it('RFC 9701 section 7: metadata names the algorithm of signed answers to introspection', async () => {
    const { body } = await send(`${issuer.url}${METADATA}`);
    expect(body['introspection_signing_alg_values_supported']).to.deep.equal([issuer.plan.issuer.signing]);
  });

  it('RFC 9457 section 3: what is not there is 404 with problem details that lead to the endpoints', async () => {
    for (const path of [
      '/',
      '/Token',
      '/token/',
      '/jwks.json',
      '/%',
      '/%00',
      '/..%2f..%2fetc/passwd',
      '//jwks',
      '/metrics',
    ]) {
      const answer = await sendRaw(
        issuer.origin,
        `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      );
      expect(answer, path).to.match(/^HTTP\/1\.1 404 /);
      expect(answer)
        .to.match(/content-type: application\/problem\+json/i)
        .and.to.contain(METADATA);
    }
  });

  it('tells nothing of what it is built with', async () => {
    const { headers } = await send(`${issuer.url}/jwks`);
    expect([...headers.keys()]).to.not.include.members(['x-powered-by']);
    expect(headers.has('etag')).to.equal(false);
    expect(headers.has('server')).to.equal(false);
  });

  describe('of an issuer with a path', () => {
    let tenant: TestIssuer;
    before(async () => {
      tenant = await startIssuer(shop, { path: '/realms/blue' });
    });

    it('RFC 8414 section 3.1: metadata is found between host and path', async () => {
      const { status, body } = await send(`${tenant.origin}${METADATA}/realms/blue`);
      expect([status, body['issuer']]).to.deep.equal([200, `${tenant.origin}/realms/blue`]);
    });

    it('endpoints answer below the path, and at the root for a proxy that strips it', async () => {
      for (const base of [tenant.url, tenant.origin]) {
        expect((await send(`${base}/jwks`)).status).to.equal(200);
        expect((await send(`${base}/token`)).status).to.equal(405);
      }
      expect((await tenant.token({ grant_type: 'client_credentials' }, { as: 'web' })).status).to.equal(200);
      expect((await send(`${tenant.origin}${METADATA}`, { method: 'POST' })).status).to.equal(405);
      expect((await send(`${tenant.origin}/realms/red/jwks`)).status).to.equal(404);
    });

    it('whatever characters a URL may have in a path, it is meant as it stands', async () => {
      const path = '/a:b/(c)+d!*/[e]/~f';
      const odd = await startIssuer(shop, { path });
      expect((await odd.token({ grant_type: 'client_credentials' }, { as: 'web' })).status).to.equal(200);
      expect((await send(`${odd.origin}${METADATA}${path}`)).body['issuer']).to.equal(odd.url);
      expect((await send(`${odd.origin}/a:z/(c)+d!*/[e]/~f/jwks`)).status).to.equal(404);
      expect((await send(`${odd.origin}/ax/(c)+d!*/[e]/~f/jwks`)).status).to.equal(404);
    });
  });
});
