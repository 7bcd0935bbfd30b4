/** What a peer's client, oauth4webapi, can do with an issuer that it has discovered: each grant, each way to authenticate. */
import { Agent } from 'node:https';

import { expect } from 'chai';
import * as oauth from 'oauth4webapi';

import { ATTEMPT_LIMITS } from '../../../src/issuer/index.ts';
import { closeServers } from '../../support/http.ts';
import { NAMED, ca, own, shop as domain, startCertificateIssuer } from '../../support/issuer/certificates.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { tokenAt } from '../../support/issuer/trees.ts';
import { startKeyedIssuer, type KeyedIssuer, type Pair } from '../../support/issuer/keyed.ts';
import { startLogin, type Login } from '../../support/provider/login.ts';
import { startShop, type TestShop } from '../../support/issuer/opaque.ts';
import { Peer, discover, received } from './peer.ts';
import { subjectOf } from '../../support/provider/scripted.ts';
import { ORDERS, shop } from '../../support/graphs/shop.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import type { Identity } from '../../support/keys/certificates.ts';
import { fetchWith } from '../../support/tls.ts';
import { users } from '../../support/graphs/users.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const TYPE = 'urn:ietf:params:oauth:token-type:';

describe('oauth4webapi as a client', () => {
  let issuer: TestIssuer;

  before(async () => {
    issuer = await startIssuer(shop);
  });
  after(async () => {
    await stopIssuers();
    await closeServers();
  });

  const withBasic = async (url: string, client: string, secret = secretOf(client)) =>
    Peer.at(url, client, oauth.ClientSecretBasic(secret));

  it('RFC 8414 section 3.3: discovers the issuer, at the root and under a path', async () => {
    const tenant = await startIssuer(shop, { path: '/tenants/blue' });
    for (const { url } of [issuer, tenant]) expect((await discover(url)).issuer).to.equal(url);
    const peer = await withBasic(tenant.url, 'web');
    expect((await peer.clientCredentials()).scope).to.equal('read');
  });

  it('RFC 9068 section 4: as a resource server it takes the root token', async () => {
    const peer = await withBasic(issuer.url, 'web');
    const { access_token } = await peer.clientCredentials({ scope: 'read' });
    const claims = await received(access_token, issuer.url, ORDERS);
    expect(claims).to.include({ sub: 'web', client_id: 'web', scope: 'read' });
  });

  describe('by each grant', () => {
    let login: Login;
    let url: string;

    before(async () => {
      login = await startLogin();
      const subjects = { login: subjectOf(login) };
      ({ url } = await startIssuer((at) => users({ url: at, subjects })));
    });

    it('RFC 6749 section 4.4: client_credentials', async () => {
      const answer = await (await withBasic(url, 'batch')).clientCredentials({ scope: 'read' });
      expect(answer).to.include({ token_type: 'bearer', scope: 'read', expires_in: 300 });
    });

    it('RFC 8707 section 2: client_credentials for a resource', async () => {
      const peer = await withBasic(issuer.url, 'web');
      const answer = await peer.clientCredentials({ scope: 'place', resource: ORDERS });
      expect(tokenAt(answer.access_token).payload.aud).to.equal(ORDERS);
    });

    it('RFC 8693 section 2: token exchange, by a client for a user and by a service for a callee', async () => {
      const { id_token } = await login.logIn('alice');
      const asked = { subject_token: id_token, subject_token_type: `${TYPE}id_token`, scope: 'refund' };
      const root = await (await withBasic(url, 'web')).grant(EXCHANGE, asked);
      expect(root).to.include({ scope: 'refund', issued_token_type: `${TYPE}access_token` });
      expect(await received(root.access_token, url, 'https://shop.example')).to.include({
        sub: 'login:alice',
        client_id: 'web',
      });
      const shown = {
        subject_token: root.access_token,
        subject_token_type: `${TYPE}access_token`,
        audience: 'bank',
      };
      const fetched = await (await withBasic(url, 'shop')).grant(EXCHANGE, shown);
      expect(fetched).to.include({ scope: 'pay', issued_token_type: `${TYPE}access_token` });
      const claims = await received(fetched.access_token, url, 'https://bank.example');
      expect(claims).to.include({ sub: 'login:alice', client_id: 'web', email: 'alice@example.org' });
      expect(claims['act']).to.deep.equal({ sub: 'spiffe://example/shop' });
    });

    it('RFC 7523 section 2.1: jwt-bearer', async () => {
      const { id_token } = await login.logIn('bob');
      const answer = await (
        await withBasic(url, 'web')
      ).grant(BEARER, { assertion: id_token, scope: 'read' });
      expect(answer).to.include({ token_type: 'bearer', scope: 'read' });
      expect(tokenAt(answer.access_token).payload.sub).to.equal('login:bob');
    });
  });

  describe('by each way to authenticate', () => {
    let keyed: KeyedIssuer;
    let certified: string;

    before(async () => {
      keyed = await startKeyedIssuer();
      certified = (await startCertificateIssuer()).url;
    });

    const granted = async (peer: Promise<Peer>) =>
      (await (await peer).clientCredentials({ scope: 'place' })).scope;

    it('RFC 6749 section 2.3.1: client_secret_basic and client_secret_post', async () => {
      const peer = await withBasic(issuer.url, 'web');
      expect((await peer.clientCredentials({ scope: 'place', resource: ORDERS })).scope).to.equal('place');
      const post = oauth.ClientSecretPost(secretOf('kiosk'));
      expect(await granted(Peer.at(issuer.url, 'kiosk', post))).to.equal('place');
    });

    it('RFC 7523 section 2.2: private_key_jwt, with keys of a file and of an address', async () => {
      const { issuer: at, web, remote } = keyed;
      const server = await discover(at.url);
      expect(server.token_endpoint_auth_methods_supported).to.include('private_key_jwt');
      expect(server.token_endpoint_auth_signing_alg_values_supported)
        .to.include('ES256')
        .and.not.include('none');
      const auth = ({ privateKey: key, publicJwk }: Pair) =>
        oauth.PrivateKeyJwt({ key, kid: publicJwk.kid as string });
      expect(await granted(Peer.at(at.url, 'web', auth(web)))).to.equal('place');
      expect(await granted(Peer.at(at.url, 'app', auth(remote)))).to.equal('place');
    });

    const showing = ({ cert, key }: Identity) => ({
      [oauth.customFetch]: fetchWith(new Agent({ ca: [ca.cert], cert, key, keepAlive: false })),
    });

    for (const [method, client, identity] of [
      ['RFC 8705 section 2.1: tls_client_auth', 'dns', ca.issue(NAMED.dns)],
      ['RFC 8705 section 2.2: self_signed_tls_client_auth', 'self', own],
      [
        'draft-ietf-oauth-spiffe-client-auth: spiffe_x509',
        'spiffe://shop.example/mesh',
        domain.issue({ uris: ['spiffe://shop.example/mesh'] }),
      ],
    ] as const) {
      it(method, async () => {
        const options = showing(identity);
        const server = await discover(certified, options);
        expect(server.token_endpoint_auth_methods_supported).to.include(method.replace(/^.* /, ''));
        expect(await granted(Peer.at(certified, client, oauth.TlsClientAuth(), options))).to.equal('place');
      });
    }
  });

  describe('with what it has received', () => {
    let opaque: TestShop;
    let reference: string;

    before(async () => {
      opaque = await startShop();
    });
    beforeEach(async () => {
      const peer = await withBasic(opaque.url, 'web');
      reference = (await peer.clientCredentials({ scope: 'order' })).access_token;
    });

    it('RFC 7662 section 2: introspection, by the service that the token is for', async () => {
      const peer = await withBasic(opaque.url, 'shop');
      expect(await peer.introspect(reference)).to.include({ active: true, client_id: 'web', scope: 'order' });
      expect(await peer.introspect('nonsense')).to.deep.equal({ active: false });
    });

    it('RFC 9701 section 5: introspection with a signed answer', async () => {
      const peer = await withBasic(opaque.url, 'shop');
      expect(await peer.introspect(reference, true)).to.include({ active: true, scope: 'order' });
      expect(await peer.introspect('nonsense', true)).to.deep.equal({ active: false });
    });

    it('RFC 7009 section 2: revocation, by the client that it was issued to', async () => {
      await (await withBasic(opaque.url, 'web')).revoke(reference);
      expect(await (await withBasic(opaque.url, 'shop')).introspect(reference)).to.deep.equal({
        active: false,
      });
      await (await withBasic(opaque.url, 'web')).revoke('nonsense');
    });
  });

  describe('when it is refused', () => {
    const failing = async (peer: Promise<Peer>, scope: string): Promise<unknown> =>
      (await peer).clientCredentials({ scope }).then(
        () => 'granted',
        (thrown: unknown) => thrown,
      );

    it('RFC 6749 section 5.2: understands an unknown scope', async () => {
      const scope = await failing(withBasic(issuer.url, 'web'), 'fly');
      expect(scope).to.be.instanceOf(oauth.ResponseBodyError);
      expect(scope).to.include({ status: 400, error: 'invalid_scope' });
    });

    it('RFC 9110 section 11.6.1: understands the challenge that answers a wrong secret', async () => {
      const wrong = await failing(withBasic(issuer.url, 'web', 'guess'), 'read');
      expect(wrong).to.be.instanceOf(oauth.WWWAuthenticateChallengeError);
      const { status, cause } = wrong as oauth.WWWAuthenticateChallengeError;
      expect([status, cause[0]?.scheme]).to.deep.equal([401, 'basic']);
    });

    it('RFC 6585 section 4: understands that it is to come back later', async () => {
      const strict = await startIssuer(shop, { issuer: { attempts: ATTEMPT_LIMITS } });
      const guess = async () => failing(withBasic(strict.url, 'web', 'guess'), 'read');
      for (let time = 0; time < ATTEMPT_LIMITS.client.failures; time += 1) await guess();
      const later = await guess();
      expect(later).to.be.instanceOf(oauth.ResponseBodyError);
      expect(later).to.include({ status: 429, error: 'temporarily_unavailable' });
    });
  });
});
