import { expect } from 'chai';
import * as oauth from 'oauth4webapi';

import { secretOf } from '../support/issued.ts';
import { removeScratch } from '../support/scratch.ts';
import { ORDERS, shop, startIssuer, stopIssuers, type TestIssuer } from '../support/running-issuer.ts';

/** The option that lets a client speak http: the issuer is on loopback. */
const INSECURE = { [oauth.allowInsecureRequests]: true };

describe('oauth4webapi as a client', () => {
  let issuer: TestIssuer;
  let tenant: TestIssuer;

  before(async () => {
    issuer = await startIssuer(shop);
    tenant = await startIssuer(shop, { path: '/tenants/blue' });
  });
  after(async () => {
    await stopIssuers();
    removeScratch();
  });

  async function discover(url: string): Promise<oauth.AuthorizationServer> {
    const address = new URL(url);
    const response = await oauth.discoveryRequest(address, { algorithm: 'oauth2', ...INSECURE });
    return oauth.processDiscoveryResponse(address, response);
  }

  async function request(
    client_id: string,
    auth: oauth.ClientAuth,
    parameters: Record<string, string>,
    url = issuer.url,
  ) {
    const server = await discover(url);
    const client = { client_id };
    const response = await oauth.clientCredentialsGrantRequest(server, client, auth, parameters, INSECURE);
    return oauth.processClientCredentialsResponse(server, client, response);
  }

  it('RFC 8414 section 3.3: discovers the issuer, at the root and under a path', async () => {
    for (const { url } of [issuer, tenant]) expect((await discover(url)).issuer).to.equal(url);
  });

  it('gets a tree with client_secret_basic', async () => {
    const parameters = { scope: 'place', resource: ORDERS };
    const answer = await request('web', oauth.ClientSecretBasic(secretOf('web')), parameters);
    expect(answer).to.include({ token_type: 'bearer', scope: 'place', expires_in: 300 });
  });

  it('gets a tree with client_secret_post', async () => {
    const answer = await request('kiosk', oauth.ClientSecretPost(secretOf('kiosk')), { scope: 'place' });
    expect(answer.scope).to.equal('place');
  });

  it('gets a tree from an issuer with a path', async () => {
    const answer = await request('web', oauth.ClientSecretBasic(secretOf('web')), {}, tenant.url);
    expect(answer.scope).to.equal('read');
  });

  it('RFC 9068 section 4: its resource server takes the root token', async () => {
    const { access_token } = await request('web', oauth.ClientSecretBasic(secretOf('web')), {
      scope: 'read',
    });
    const server = await discover(issuer.url);
    const call = new Request(`${ORDERS}/1`, { headers: { authorization: `Bearer ${access_token}` } });
    const claims = await oauth.validateJwtAccessToken(server, call, ORDERS, INSECURE);
    expect(claims).to.include({ sub: 'web', client_id: 'web', scope: 'read' });
  });

  it('RFC 6749 section 5.2: understands a wrong secret and an unknown scope', async () => {
    const error = async (secret: string, scope: string) =>
      request('web', oauth.ClientSecretBasic(secret), { scope }).then(
        () => 'granted',
        (thrown: unknown) => thrown,
      );
    // With a challenge in the answer this library reports the challenge and leaves the body to whoever asks.
    const wrong = await error('guess', 'read');
    expect(wrong).to.be.instanceOf(oauth.WWWAuthenticateChallengeError);
    expect((wrong as oauth.WWWAuthenticateChallengeError).status).to.equal(401);
    const scope = await error(secretOf('web'), 'fly');
    expect(scope).to.be.instanceOf(oauth.ResponseBodyError);
    expect(scope).to.include({ status: 400, error: 'invalid_scope' });
  });
});
