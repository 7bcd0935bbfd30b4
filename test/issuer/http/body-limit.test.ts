import { expect } from 'chai';

import { largestBody } from '../../../src/issuer/http/form.ts';
import { createIssuer } from '../../../src/issuer/index.ts';
import { keysFor, secretOf, secretsFor } from '../../support/issuer/issue.ts';
import { planOf } from '../../support/compile.ts';
import { basic, send } from '../../support/http.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';

const KIB = 1024;

/** A root token of more than 64 KiB, and a service that exchanges it. */
const large = (url: string, nested = '96KiB') => `
waybill: 1
name: large
issuer: { url: '${url}', limits: { nested: ${nested} } }
defaults: { audience: 'https://{name}.example', headers: { profile: go } }
claims: { catalogue: { value: '${'x'.repeat(40_000)}' } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB }, calls: { shop: [read] } }
services:
  shop:
    auth: { method: client_secret_basic, secret_env: SHOP }
    scopes: { read: { calls: { pages: [show], audit: { scopes: [write], mode: exchange } } } }
  pages: { claims: [catalogue], scopes: { show: {} } }
  audit: { scopes: { write: {} } }
`;

describe('The largest body of a request', () => {
  let issuer: TestIssuer;

  beforeEach(async () => {
    issuer = await startIssuer(large);
  });
  after(stopIssuers);

  const post = (path: string, as: string, body: string) =>
    send(`${issuer.url}${path}`, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: basic(as, secretOf(as)),
      },
    });
  const form = (parameters: Record<string, string>) => new URLSearchParams(parameters).toString();

  it('RFC 8693 section 2.1: the largest token that is issued can be shown again, at every endpoint', async () => {
    const asked = { grant_type: 'client_credentials', scope: 'read' };
    const { body } = await issuer.token(asked, { as: 'web' });
    const token = body['access_token'] as string;
    expect(token.length).to.be.within(64 * KIB, 96 * KIB);
    const exchange = await post(
      '/token',
      'shop',
      form({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        audience: 'audit',
      }),
    );
    expect([exchange.status, exchange.body['scope']], exchange.text).to.deep.equal([200, 'write']);
    const introspected = await post('/introspect', 'shop', form({ token }));
    expect(introspected.body['active']).to.equal(true);
    expect((await post('/revoke', 'web', form({ token }))).status).to.equal(200);
    expect((await post('/introspect', 'shop', form({ token }))).text).to.equal('{"active":false}');
  });

  for (const [path, parameters, status] of [
    ['/token', { grant_type: 'client_credentials', scope: 'read' }, 200],
    ['/introspect', { token: 'x' }, 200],
    ['/revoke', { token: 'x' }, 200],
  ] as const) {
    it(`RFC 9110 section 15.5.14: ${path} takes limits.nested and 64 KiB beside it, and not a byte more`, async () => {
      const limit = 160 * KIB;
      expect(largestBody(issuer.plan)).to.equal(limit);
      const start = `${form(parameters)}&padding=`;
      const most = start + 'x'.repeat(limit - start.length);
      expect((await post(path, 'web', most)).status).to.equal(status);
      const over = await post(path, 'web', `${most}x`);
      expect([over.status, over.body['error']]).to.deep.equal([413, 'invalid_request']);
      expect(over.body['error_description']).to.equal(`The body is larger than ${limit} bytes.`);
    });
  }

  it('follows the graph that runs now', async () => {
    const body = `grant_type=client_credentials&scope=read&padding=${'x'.repeat(150 * KIB)}`;
    expect((await post('/token', 'web', body)).status).to.equal(200);
    const plan = planOf(large(issuer.url, '80KiB'));
    const keys = await keysFor(plan.issuer.signing);
    issuer.issuer = createIssuer({ plan, keys, secrets: secretsFor(plan) });
    expect((await post('/token', 'web', body)).status).to.equal(413);
  });
});
