/** Users of a real oidc-provider, through a peer's own client. */
import { expect } from 'chai';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import * as oauth from 'oauth4webapi';

import { closeServers } from '../../support/http.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { tokenAt, tokensOf } from '../../support/issuer/trees.ts';
import { PEOPLE, startLogin, type Login } from '../../support/provider/login.ts';
import { Peer } from './peer.ts';
import { API, subjectOf } from '../../support/provider/scripted.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { users } from '../../support/graphs/users.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const TYPE = 'urn:ietf:params:oauth:token-type:';

describe('Users of a real identity provider', () => {
  let login: Login;
  let issuer: TestIssuer;

  before(async () => {
    login = await startLogin();
  });
  beforeEach(async () => {
    login.lifetime = 3600;
    const api = subjectOf(login, 'token_types: [access_token], authorized_parties: [app], prefix: api', API);
    const subjects = { login: subjectOf(login, 'token_types: [id_token]'), api };
    issuer = await startIssuer((url) => users({ url, subjects }));
  });
  after(async () => {
    await stopIssuers();
    await closeServers();
  });

  type Parameters = Readonly<Record<string, string>>;

  /** The same request by a peer's client, which checks the answer as well. */
  async function byPeer(grant: string, parameters: Parameters, client_id = 'web') {
    const peer = await Peer.at(issuer.url, client_id, oauth.ClientSecretBasic(secretOf(client_id)));
    return peer.grant(grant, parameters);
  }

  const idToken = (subject_token: string): Parameters => ({
    subject_token,
    subject_token_type: `${TYPE}id_token`,
  });
  const accessToken = (subject_token: string): Parameters => ({
    subject_token,
    subject_token_type: `${TYPE}access_token`,
  });

  async function refused(parameters: Parameters, error: string, about: RegExp, grant = EXCHANGE, as = 'web') {
    const { status, body, text } = await issuer.token(
      { grant_type: grant, scope: 'read', ...parameters },
      { as },
    );
    expect([status, body['error']], text).to.deep.equal([400, error]);
    expect(body['error_description']).to.match(about);
  }

  it('RFC 8693 section 2.1: an ID token becomes a tree, its claims where the graph sends them', async () => {
    const { id_token } = await login.logIn('alice');
    const answer = await byPeer(EXCHANGE, { ...idToken(id_token), scope: 'buy read' });
    expect(answer).to.include({
      token_type: 'bearer',
      scope: 'read buy',
      issued_token_type: `${TYPE}access_token`,
    });
    const root = tokenAt(answer.access_token).payload;
    expect(root).to.include({ sub: 'login:alice', client_id: 'web', name: 'Alice', tier: 'gold' });
    expect(root).to.not.have.any.keys('email', 'act', 'nonce', 'at_hash');
    expect(tokenAt(answer.access_token, 'mail').payload)
      .to.include({ email: 'alice@example.org' })
      .and.not.have.property('name');
  });

  it('RFC 9068 section 4: an access token of the provider becomes a tree too', async () => {
    const { access_token } = await login.logIn('bob');
    expect(decodeProtectedHeader(access_token).typ).to.equal('at+jwt');
    for (const type of ['access_token', 'jwt']) {
      const parameters = { subject_token: access_token, subject_token_type: `${TYPE}${type}`, scope: 'buy' };
      const { access_token: token } = await byPeer(EXCHANGE, parameters);
      expect(tokenAt(token).payload).to.include({ sub: 'api:bob', name: 'Bob' });
    }
  });

  it('RFC 7523 section 2.1: the same by the grant jwt-bearer', async () => {
    const { id_token, access_token } = await login.logIn('alice');
    for (const [assertion, sub] of [
      [id_token, 'login:alice'],
      [access_token, 'api:alice'],
    ] as const) {
      const answer = await byPeer(BEARER, { assertion, scope: 'read' });
      expect(answer).to.include({ scope: 'read' }).and.not.have.property('issued_token_type');
      expect(tokenAt(answer.access_token).payload.sub).to.equal(sub);
    }
  });

  it('RFC 6749 section 3.3: a scope for some users is granted to them, and the answer says to whom it is not', async () => {
    const scope = async (user: string, scopes: string) =>
      (await byPeer(EXCHANGE, { ...idToken((await login.logIn(user)).id_token), scope: scopes })).scope;
    expect(await scope('alice', 'read refund audit')).to.equal('read refund');
    expect(await scope('bob', 'read refund audit')).to.equal('read');
    await refused(
      { ...idToken((await login.logIn('bob')).id_token), scope: 'refund' },
      'invalid_scope',
      /subject/,
    );
    const { body } = await issuer.token(
      { grant_type: 'client_credentials', scope: 'read refund' },
      { as: 'web' },
    );
    expect(body['scope']).to.equal('read');
  });

  it('threat 13: the tree ends with the token of the user', async () => {
    login.lifetime = 60;
    const { id_token } = await login.logIn('alice');
    const answer = await byPeer(EXCHANGE, { ...idToken(id_token), scope: 'buy' });
    for (const { payload } of tokensOf(answer.access_token))
      expect(payload.exp).to.equal(decodeJwt(id_token).exp);
    expect(answer.expires_in).to.be.within(50, 60);
  });

  it('a needed claim that the user lacks fails the request by name, in both grants', async () => {
    const { id_token } = await login.logIn('carol');
    await refused({ ...idToken(id_token), scope: 'buy' }, 'invalid_request', /mail needs the claim email/);
    await refused({ assertion: id_token, scope: 'buy' }, 'invalid_request', /claim email/, BEARER);
  });

  it('threat 8: an ID token or an access token that was issued to another client is refused', async () => {
    const { id_token, access_token } = await login.logIn('alice', 'other');
    await refused(idToken(id_token), 'invalid_request', /aud/);
    await refused(accessToken(access_token), 'invalid_request', /another client/);
    await refused({ assertion: id_token }, 'invalid_grant', /aud/, BEARER);
    await refused({ assertion: access_token }, 'invalid_grant', /another client/, BEARER);
  });

  it('threat 8: a token is what subject_token_type says, or refused', async () => {
    const { id_token, access_token } = await login.logIn('alice');
    await refused(idToken(access_token), 'invalid_request', /subject_token_type/);
    await refused(accessToken(id_token), 'invalid_request', /subject_token_type/);
    await refused(
      { ...idToken(id_token), subject_token_type: `${TYPE}saml2` },
      'invalid_request',
      /subject_token_type/,
    );
    await refused(
      { ...idToken(id_token), requested_token_type: `${TYPE}id_token` },
      'invalid_request',
      /requested/,
    );
    await refused({ ...idToken(id_token), actor_token: access_token }, 'invalid_request', /actor/);
  });

  it('RFC 8693 section 2.2.2 and RFC 7523 section 3.1: an invalid token, by either grant', async () => {
    const { id_token } = await login.logIn('alice');
    const [header, , signature] = id_token.split('.');
    const payload = Buffer.from(JSON.stringify({ ...decodeJwt(id_token), sub: 'root' })).toString(
      'base64url',
    );
    for (const token of [`${header}.${payload}.${signature}`, id_token.slice(0, -8), 'x']) {
      await refused(idToken(token), 'invalid_request', /not accepted/);
      await refused({ assertion: token }, 'invalid_grant', /not accepted/, BEARER);
    }
    await refused({}, 'invalid_request', /subject_token/);
    await refused({}, 'invalid_request', /assertion/, BEARER);
  });

  it('RFC 6749 section 5.2: a grant that a client was not given is unauthorized_client', async () => {
    const { id_token } = await login.logIn('alice');
    await refused(
      idToken(id_token),
      'unauthorized_client',
      /batch may use client_credentials/,
      EXCHANGE,
      'batch',
    );
    await refused({ assertion: id_token }, 'unauthorized_client', /jwt_bearer/, BEARER, 'batch');
    await refused({ assertion: id_token }, 'unauthorized_client', /jwt_bearer/, BEARER, 'mobile');
    await refused({}, 'unauthorized_client', /mobile may use token_exchange/, 'client_credentials', 'mobile');
  });

  it('only the providers that a client lists are its own', async () => {
    const { id_token, access_token } = await login.logIn('alice');
    expect((await byPeer(EXCHANGE, { ...idToken(id_token), scope: 'read' }, 'mobile')).scope).to.equal(
      'read',
    );
    await refused(
      accessToken(access_token),
      'invalid_request',
      /mobile may not exchange/,
      EXCHANGE,
      'mobile',
    );
  });

  it('RFC 8693 section 2.1: `audience` names the entry, and nobody else', async () => {
    const { id_token } = await login.logIn('alice');
    expect(
      (await byPeer(EXCHANGE, { ...idToken(id_token), scope: 'read', audience: 'shop' })).scope,
    ).to.equal('read');
    await refused({ ...idToken(id_token), audience: 'mail' }, 'invalid_target', /./);
    await refused({ ...idToken(id_token), audience: 'nobody' }, 'invalid_target', /./);
    await refused(
      { ...idToken(id_token), audience: 'shop', resource: 'https://mail.example' },
      'invalid_target',
      /./,
    );
  });

  it('threat 9: our own tokens are never those of a user', async () => {
    const { access_token } = await byPeer(EXCHANGE, {
      ...idToken((await login.logIn('alice')).id_token),
      scope: 'read',
    });
    await refused(accessToken(access_token), 'invalid_request', /may not exchange/);
    await refused({ assertion: access_token }, 'invalid_grant', /may not exchange/, BEARER);
  });

  it('a new key of the provider is picked up', async () => {
    await byPeer(EXCHANGE, { ...idToken((await login.logIn('alice')).id_token), scope: 'read' });
    const old = (await login.logIn('alice')).id_token;
    await login.rotate();
    const { id_token } = await login.logIn('alice');
    const wallClock = Date.now;
    try {
      Date.now = () => wallClock() + 40_000;
      expect((await byPeer(EXCHANGE, { ...idToken(id_token), scope: 'read' })).scope).to.equal('read');
    } finally {
      Date.now = wallClock;
    }
    await refused(idToken(old), 'invalid_request', /no key of its issuer/);
  });

  it('keys that cannot be had are temporarily_unavailable, with 503 (the name is of RFC 6749 section 4.1.2.1)', async () => {
    const away = await startIssuer((url) =>
      users({ url, subjects: { login: subjectOf(login, "jwks_uri: 'http://127.0.0.1:1/jwks'") } }),
    );
    const { id_token } = await login.logIn('alice');
    const { status, body, headers, text } = await away.token(
      { grant_type: EXCHANGE, ...idToken(id_token), scope: 'read' },
      { as: 'web' },
    );
    expect([status, body['error'], headers.get('retry-after')]).to.deep.equal([
      503,
      'temporarily_unavailable',
      '1',
    ]);
    expect(text).to.not.contain('127.0.0.1:1');
    expect(away.logLines()[0]).to.include({ error: 'provider_unavailable', client: 'web' });
    expect(away.logText()).to.contain('127.0.0.1:1');
  });

  it('threat 15: the log has no token, no claim of a user, and no secret', async () => {
    const tokens: string[] = [];
    for (const user of ['alice', 'carol']) {
      const { id_token, access_token } = await login.logIn(user);
      for (const parameters of [
        idToken(id_token),
        accessToken(access_token),
        accessToken(id_token),
        idToken(`${id_token}x`),
      ]) {
        for (const scope of ['read', 'buy', 'refund', 'fly']) {
          const { body } = await issuer.token({ grant_type: EXCHANGE, ...parameters, scope }, { as: 'web' });
          tokens.push(
            id_token,
            access_token,
            ...(body['access_token'] === undefined ? [] : [body['access_token']]),
          );
        }
      }
    }
    const text = issuer.logText();
    expect(issuer.logLines().filter(({ level }) => level >= 50)).to.deep.equal([]);
    expect(issuer.logLines().filter(({ msg }) => msg === 'issued').length).to.be.greaterThan(3);
    const said = Object.values(PEOPLE).flatMap(({ email, name }) =>
      [email, name].filter((value) => value !== undefined),
    );
    for (const secret of [secretOf('web'), ...said.map(String)]) expect(text).to.not.contain(secret);
    for (const token of new Set(tokens)) {
      for (const part of token.split('.').slice(1)) {
        for (let at = 0; at + 24 <= part.length; at += 24)
          expect(text).to.not.contain(part.slice(at, at + 24));
      }
    }
  });
});
