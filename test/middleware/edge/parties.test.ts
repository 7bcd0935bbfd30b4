/** The client at the edge with real parts: users of an oidc-provider, keys, SVIDs, certificates, and tokens that end early. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect } from 'chai';
import { SignJWT, decodeJwt } from 'jose';

import { edge, extractor, type CredentialsOptions, type EdgeOptions } from '../../../src/middleware/index.ts';
import { failure } from '../../support/failure.ts';
import { closeServers, listen } from '../../support/http.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { pair, type Pair } from '../../support/issuer/keyed.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { bundleOf, startTlsIssuer, type TlsIssuer } from '../../support/issuer/tls.ts';
import { testCa } from '../../support/keys/certificates.ts';
import { startLogin, type Login } from '../../support/provider/login.ts';
import { API, subjectOf } from '../../support/provider/scripted.ts';

const graph = (url: string, login: Login): string => `
waybill: 1
name: edges
issuer: { url: '${url}', lifetime: 5m }
defaults: { audience: 'https://{name}.example', identity: 'spiffe://shop.example/{name}', headers: { profile: go } }
subjects:
  login: ${subjectOf(login, 'token_types: [id_token]')}
  api: ${subjectOf(login, 'token_types: [access_token], authorized_parties: [app], prefix: api', API)}
claims: { name: { from: subject } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: S }, grants: [client_credentials, token_exchange], subjects: [login, api], calls: { shop: [read] } }
  keyed: { auth: { method: private_key_jwt, jwks_file: keyed.jwks }, grants: [client_credentials, token_exchange], subjects: [login, api], calls: { shop: [read] } }
  agent: { auth: { method: spiffe_jwt, spiffe_id: 'spiffe://shop.example/agent', bundle_file: shop.json }, calls: { shop: [read] } }
  mesh: { auth: { method: spiffe_x509, spiffe_id: 'spiffe://shop.example/mesh', bundle_file: shop.json }, grants: [client_credentials, token_exchange], subjects: [login, api], calls: { shop: [read] } }
services:
  shop: { auth: { method: client_secret_basic, secret_env: S }, claims: [name], scopes: { read: {} } }
`;

describe('The client at the edge and its parties', function () {
  this.timeout(60_000);
  const shopCa = testCa('shop.example');
  const ca = testCa('example');
  let login: Login;
  let issuer: TestIssuer;
  let secure: TlsIssuer;
  let keyed: Pair;
  let svid: Pair;
  let ahead: number;
  const clock = (): number => Math.floor(Date.now() / 1000) + ahead;

  before(async () => {
    login = await startLogin();
    [keyed, svid] = await Promise.all([pair('ES256', 'k1'), pair('ES256', 's1')]);
    const { alg: _alg, ...published } = svid.publicJwk;
    const { keys } = bundleOf(shopCa) as { keys: object[] };
    const bundle = { keys: [...keys, { ...published, use: 'jwt-svid' }] };
    const keySets = new Map<string, unknown>([
      ['keyed', { keys: [keyed.publicJwk] }],
      ['agent', bundle],
      ['mesh', bundle],
    ]);
    issuer = await startIssuer((url) => graph(url, login), { issuer: { keySets } });
    secure = await startTlsIssuer((url) => graph(url, login), { ca, keySets });
  });
  beforeEach(() => {
    ahead = 0;
  });
  after(async () => {
    await stopIssuers();
    await closeServers();
  });

  const made = (credentials: CredentialsOptions, more: Partial<EdgeOptions> = {}) =>
    edge({ issuer: issuer.url, credentials, clock, ...more });
  const web = { clientId: 'web', secret: secretOf('web') };

  it('asks in the name of a user, by ID token and by access token, one request for each user', async () => {
    const shop = made(web);
    const [alice, bob] = await Promise.all([login.logIn('alice'), login.logIn('bob')]);
    const wanted = (subjectToken: string, subjectTokenType: 'id_token' | 'access_token') =>
      shop.tokenFor({ scope: 'read', subjectToken, subjectTokenType });
    const found = await Promise.all([
      wanted(alice.id_token, 'id_token'),
      wanted(alice.id_token, 'id_token'),
      wanted(bob.id_token, 'id_token'),
      wanted(bob.access_token, 'access_token'),
    ]);
    expect(found.map(({ token }) => decodeJwt(token).sub)).to.deep.equal([
      ...['login:alice', 'login:alice', 'login:bob', 'api:bob'],
    ]);
    expect(new Set(found.map(({ token }) => token)).size).to.equal(3);
    expect(decodeJwt(found[0].token)['name']).to.equal('Alice');
    await failure('invalid_request', () => wanted(`${alice.id_token}x`, 'id_token'), alice.id_token);
  });

  it('authenticates with a key, and binds a user’s tree to another one (DPoP)', async () => {
    const credentials = { clientId: 'keyed', method: 'private_key_jwt', key: keyed.privateJwk } as const;
    const { id_token: subjectToken } = await login.logIn('alice');
    const wanted = { scope: 'read', subjectToken, subjectTokenType: 'id_token' } as const;
    const { token, type } = await made(credentials, { dpop: true }).tokenFor(wanted);
    expect(type).to.equal('DPoP');
    expect(decodeJwt(token)).to.deep.include({ sub: 'login:alice', client_id: 'keyed' });
    expect(decodeJwt(token)['cnf']).to.have.property('jkt');
    const other = await pair('ES256', 'k1');
    const wrong = made({ ...credentials, key: other.privateJwk });
    await failure('invalid_client', () => wrong.tokenFor({ scope: 'read' }));
  });

  it('authenticates with a JWT-SVID, asked for each request to the issuer', async () => {
    const audiences: string[] = [];
    const current = async (audience: string): Promise<string> => {
      audiences.push(audience);
      return new SignJWT({ sub: 'spiffe://shop.example/agent', aud: audience })
        .setProtectedHeader({ alg: 'ES256', kid: 's1' })
        .setExpirationTime('1m')
        .sign(svid.privateKey);
    };
    const shop = made({ clientId: 'agent', method: 'spiffe_jwt', svid: current });
    const first = await shop.tokenFor({ scope: 'read' });
    expect(decodeJwt(first.token).sub).to.equal('agent');
    expect(await shop.tokenFor({ scope: 'read' })).to.equal(first);
    shop.forget({ scope: 'read' });
    expect((await shop.tokenFor({ scope: 'read' })).token).not.to.equal(first.token);
    expect(audiences).to.deep.equal([issuer.url, issuer.url]);
  });

  it('authenticates with an X.509-SVID, in the name of a user too', async () => {
    const as = (path: string) => {
      const { chain, key } = shopCa.issue({ uris: [`spiffe://shop.example/${path}`] });
      const credentials = { clientId: 'mesh', method: 'spiffe_x509', cert: chain, key, ca: ca.cert } as const;
      return edge({ issuer: secure.url, credentials, clock });
    };
    const { id_token: subjectToken } = await login.logIn('carol');
    const wanted = { scope: 'read', subjectToken, subjectTokenType: 'id_token' } as const;
    const { token } = await as('mesh').tokenFor(wanted);
    expect(decodeJwt(token)).to.include({ sub: 'login:carol', client_id: 'mesh' });
    await failure('invalid_client', () => as('other').tokenFor(wanted), subjectToken);
  });

  it('forgets a token that a service refuses, and only that one', async () => {
    const waybill = extractor({
      ...{ issuer: issuer.url, audience: 'https://shop.example', caller: 'none', clock },
      ...{ credentials: { clientId: 'shop', secret: secretOf('shop') } },
      ...{ revocation: 'introspect', revocationMaxAge: 1 },
    });
    const url = await listen((request, response) => {
      waybill.authenticate({ authorization: request.headers.authorization }).then(
        ({ claims }) => response.end(claims.jti),
        () => response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end(),
      );
    });
    const shop = made(web);
    const wanted = { scope: 'read' };
    const first = await shop.tokenFor(wanted);
    const call = async () => (await shop.fetch(url, wanted)).status;
    expect(await call()).to.equal(200);
    const revoked = await issuer.token({ token: first.token }, { as: 'web', path: '/revoke' });
    expect(revoked.status).to.equal(200);
    ahead = 3;
    expect(await call()).to.equal(401);
    expect(
      await shop.tokenFor(wanted),
      'a new token that is refused at once would be fetched at each call',
    ).to.equal(first);
    ahead = 6;
    expect(await Promise.all([call(), call(), call()])).to.deep.equal([401, 401, 401]);
    expect(await call()).to.equal(200);
    const second = await shop.tokenFor(wanted);
    expect(second.token).not.to.equal(first.token);
    shop.forget(wanted, first);
    expect(await shop.tokenFor(wanted)).to.equal(second);
    shop.forget(wanted, second);
    expect((await shop.tokenFor(wanted)).token).not.to.equal(second.token);
    await failure('usage', () => void shop.forget({ scopes: 'x' } as never));
  });

  it('gives who waits the token that was asked for, and later callers another, when it is forgotten meanwhile', async () => {
    const shop = made(web);
    const waiting = shop.tokenFor({ scope: 'read' });
    shop.forget({ scope: 'read' });
    const later = shop.tokenFor({ scope: 'read' });
    const [one, two] = await Promise.all([waiting, later]);
    expect(one.token).not.to.equal(two.token);
    expect(await shop.tokenFor({ scope: 'read' })).to.equal(two);
  });

  it('waits for a silent issuer as long as it may, then asks it no more for a while, and still has what is cached', async () => {
    let asked = 0;
    let isSilent = false;
    const server: Server = createServer((request, response) => {
      asked += 1;
      request.resume();
      if (!isSilent)
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end('{"access_token":"t","token_type":"Bearer","expires_in":300,"scope":"read"}');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      const shop = made(web, {
        tokenEndpoint: `http://127.0.0.1:${port}/token`,
        timeout: 100,
        connections: 2,
      });
      const { token } = await shop.tokenFor({ scope: 'read' });
      isSilent = true;
      const users = Array.from({ length: 12 }, (_, n) => `user-${n}`);
      for (const subjectToken of users)
        await failure('issuer_unavailable', () => shop.tokenFor({ subjectToken }));
      expect(asked, 'five failures open the circuit').to.equal(1 + 5);
      expect((await shop.tokenFor({ scope: 'read' })).token).to.equal(token);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
