/** DPoP at the token endpoint of a real issuer, with a peer's own client. */
import { request as httpRequest } from 'node:http';

import { expect } from 'chai';
import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';

import { createIssuer } from '../../../src/issuer/index.ts';
import { closeServers, basic, sendRaw, type Answer } from '../../support/http.ts';
import { boundShop } from '../../support/graphs/bound.ts';
import { proofSigner, type ProofSigner } from '../../support/keys/dpop.ts';
import { firstStore, exchange, keysFor, secretOf, secretsFor } from '../../support/issuer/issue.ts';
import { tokensOf } from '../../support/issuer/trees.ts';
import { startProvider, subjectOf } from '../../support/provider/scripted.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { users } from '../../support/graphs/users.ts';
import { NOW, type Json } from '../../support/keys/signer.ts';

const INSECURE = { [oauth.allowInsecureRequests]: true };
const GRANT = { grant_type: 'client_credentials', scope: 'order' };
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TYPE = 'urn:ietf:params:oauth:token-type:';

describe('DPoP at the token endpoint', () => {
  let issuer: TestIssuer;
  let signer: ProofSigner;
  let now: number;

  before(async () => {
    signer = await proofSigner();
  });
  beforeEach(async () => {
    now = Math.floor(Date.now() / 1000);
    const clock = () => now;
    issuer = await startIssuer((url) => boundShop({ url }), { issuer: { clock } });
  });
  after(async () => {
    await stopIssuers();
    await closeServers();
  });

  const proof = (claims: Json = {}, header: Json = {}, by = signer): Promise<string> =>
    by.proof({ method: 'POST', url: `${issuer.url}/token`, now }, claims, header);

  const ask = (as: string, dpop?: string, more: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    issuer.token({ ...GRANT, ...more }, { as, headers: dpop === undefined ? {} : { dpop } });

  function expectRefused(answer: Answer, error: string, says: RegExp): void {
    expect([answer.status, answer.body['error']], answer.text).to.deep.equal([400, error]);
    expect(answer.body['error_description']).to.match(says);
    expect(answer.headers.get('cache-control')).to.equal('no-store');
  }

  const rootOf = ({ body, text }: Answer): string => {
    expect(body, text).to.have.property('access_token');
    return body['access_token'] as string;
  };

  it('RFC 9449 section 5: gives oauth4webapi a token of type DPoP, bound to its key', async () => {
    const address = new URL(issuer.url);
    const found = await oauth.discoveryRequest(address, { algorithm: 'oauth2', ...INSECURE });
    const server = await oauth.processDiscoveryResponse(address, found);
    const keys = await oauth.generateKeyPair('ES256');
    const client = { client_id: 'app' };
    const DPoP = oauth.DPoP({}, keys);
    const response = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      oauth.ClientSecretBasic(secretOf('app')),
      { scope: 'order' },
      { DPoP, ...INSECURE },
    );
    const answer = await oauth.processClientCredentialsResponse(server, client, response);
    expect(answer).to.include({ token_type: 'dpop', scope: 'order' });
    expect(decodeJwt(answer.access_token)['cnf']).to.deep.equal({ jkt: await DPoP.calculateThumbprint() });
  });

  it('RFC 9449 section 6.1: binds the root, and none of its children', async () => {
    const answer = await ask('free', await proof());
    expect(answer.body['token_type']).to.equal('DPoP');
    const [root, ...children] = tokensOf(rootOf(answer));
    expect(root?.payload['cnf']).to.deep.equal({ jkt: signer.jkt });
    expect(children.map(({ path }) => path)).to.deep.equal([['payment']]);
    for (const { payload } of children) expect(payload).to.not.have.property('cnf');
  });

  it('RFC 9449 section 5: a request without a proof gets a bearer token, whatever was asked for before', async () => {
    const answers = [];
    for (const dpop of [undefined, await proof(), undefined, await proof()])
      answers.push(await ask('free', dpop));
    expect(answers.map(({ body }) => body['token_type'])).to.deep.equal(['Bearer', 'DPoP', 'Bearer', 'DPoP']);
    const bound = answers.map((answer) => decodeJwt(rootOf(answer))['cnf'] !== undefined);
    expect(bound).to.deep.equal([false, true, false, true]);
    for (const answer of answers) {
      const issued = issuer.logLines().filter(({ bytes }) => bytes === rootOf(answer).length);
      expect(issued, 'as many bytes as were planned').to.have.lengthOf(2);
    }
  });

  it('RFC 9449 section 5.2: a client whose tokens are always bound is refused without a proof', async () => {
    expectRefused(await ask('app'), 'invalid_dpop_proof', /missing/);
    expectRefused(await ask('web'), 'invalid_dpop_proof', /missing/);
    expect((await ask('app', await proof())).body['token_type']).to.equal('DPoP');
  });

  it('RFC 9449 section 5.1: says which algorithms proofs may have', async () => {
    const answer = await issuer.token('', {
      path: '/.well-known/oauth-authorization-server',
      method: 'GET',
      body: undefined,
    });
    const { dpop_signing_alg_values_supported: algorithms } = JSON.parse(answer.text) as Json;
    expect(algorithms).to.deep.equal(['ES256', 'Ed25519', 'PS256', 'RS256']);
    for (const alg of algorithms as string[]) {
      const own = await proofSigner(alg);
      const root = rootOf(await ask('app', await proof({}, {}, own)));
      expect(decodeJwt(root)['cnf']).to.deep.equal({ jkt: own.jkt });
    }
  });

  it('RFC 9449 section 4.3: refuses a proof that is not right, in each respect', async () => {
    const wrong: [Json, Json, RegExp][] = [
      [{ htm: 'GET' }, {}, /method/],
      [{ htu: `${issuer.url}/introspect` }, {}, /address/],
      [{ htu: issuer.url.replace('127.0.0.1', 'localhost') + '/token' }, {}, /address/],
      [{ htu: 'https://tokens.example/token' }, {}, /address/],
      [{ iat: now - 61 }, {}, /too old/],
      [{ iat: now + 31 }, {}, /future/],
      [{ jti: undefined }, {}, /jti/],
      [{}, { typ: 'JWT' }, /typ/],
      [{}, { jwk: signer.privateJwk }, /jwk/],
      [{}, { jwk: (await proofSigner()).publicJwk }, /signature/],
    ];
    for (const [claims, header, says] of wrong) {
      for (const as of ['app', 'free'])
        expectRefused(await ask(as, await proof(claims, header)), 'invalid_dpop_proof', says);
    }
    expectRefused(await ask('free', 'nonsense'), 'invalid_dpop_proof', /compact form/);
    expectRefused(await ask('free', ''), 'invalid_dpop_proof', /compact form/);
  });

  it('RFC 9449 section 4.3, 1: refuses two DPoP headers, on two lines and on one', async () => {
    const [first, second] = [await proof(), await proof()];
    expectRefused(await ask('app', `${first}, ${second}`), 'invalid_dpop_proof', /more than one/);
    const body = new URLSearchParams(GRANT).toString();
    const raw = await sendRaw(
      issuer.origin,
      [
        'POST /token HTTP/1.1',
        'Host: localhost',
        'Connection: close',
        `Authorization: ${basic('app', secretOf('app'))}`,
        'Content-Type: application/x-www-form-urlencoded',
        `Content-Length: ${body.length}`,
        `DPoP: ${first}`,
        `dpop: ${first}`,
        '',
        body,
      ].join('\r\n'),
    );
    expect(raw)
      .to.match(/^HTTP\/1\.1 400 /)
      .and.to.contain('invalid_dpop_proof')
      .and.to.contain('more than one DPoP header');
  });

  it('refuses a giant header: 400 beyond 4 KiB, 431 beyond what the server reads', async () => {
    expectRefused(await ask('app', 'x'.repeat(5_000)), 'invalid_dpop_proof', /larger than 4096/);
    expect((await ask('app', 'x'.repeat(20_000))).status).to.equal(431);
  });

  it('RFC 9449 section 11.1: takes a proof once', async () => {
    const one = await proof();
    expect((await ask('app', one)).status).to.equal(200);
    expectRefused(await ask('app', one), 'invalid_dpop_proof', /used before/);
    expectRefused(await ask('free', one), 'invalid_dpop_proof', /used before/);
    now += 60;
    expectRefused(await ask('app', one), 'invalid_dpop_proof', /used before/);
    now += 1;
    expectRefused(await ask('app', one), 'invalid_dpop_proof', /too old/);
    const ahead = await proof({ iat: now + 30 });
    expect((await ask('app', ahead)).status).to.equal(200);
    now += 90;
    expectRefused(await ask('app', ahead), 'invalid_dpop_proof', /used before/);
  });

  it('RFC 9449 section 11.1: takes it once of all processes that share a store, and none where the store is away', async () => {
    const store = firstStore();
    const { plan } = issuer;
    const another = async () =>
      createIssuer({ plan, keys: await keysFor('ES256'), secrets: secretsFor(plan), store });
    issuer.issuer = await another();
    const one = await proof();
    expect((await ask('app', one)).status).to.equal(200);
    issuer.issuer = await another();
    expectRefused(await ask('app', one), 'invalid_dpop_proof', /used before/);
    await store.close();
    const { status, body } = await ask('app', await proof());
    expect([status, body['error']]).to.deep.equal([503, 'temporarily_unavailable']);
  });

  it('does not take a proof from who has not authenticated', async () => {
    const one = await proof();
    const stranger = { authorization: basic('app', 'guess'), dpop: one };
    expect((await issuer.token(GRANT, { headers: stranger })).body['error']).to.equal('invalid_client');
    expect((await ask('app', one)).status).to.equal(200);
  });

  it('RFC 9449 section 4.3, 9: compares with the address in the metadata, not with a Host header', async () => {
    const evil = await signer.proof({ method: 'POST', url: 'http://evil.example/token', now });
    const body = new URLSearchParams(GRANT).toString();
    const { port } = new URL(issuer.origin);
    const text = await new Promise<string>((resolve, reject) => {
      const headers = {
        host: 'evil.example',
        dpop: evil,
        authorization: basic('app', secretOf('app')),
        'content-type': 'application/x-www-form-urlencoded',
      };
      const asked = httpRequest(
        { port, host: '127.0.0.1', method: 'POST', path: '/token', headers },
        (response) => {
          let received = '';
          response.setEncoding('utf8').on('data', (data: string) => (received += data));
          response.on('end', () => resolve(received));
        },
      );
      asked.on('error', reject).end(body);
    });
    expect(text).to.contain('another address');
  });

  it('rule 7: refuses scopes with which a bound token would be forwarded', async () => {
    expectRefused(
      await ask('free', await proof(), { scope: 'note' }),
      'invalid_scope',
      /kiosk forwards its token to log/,
    );
    expectRefused(await ask('free', await proof(), { scope: 'note look' }), 'invalid_scope', /forwards/);
    expect((await ask('free', undefined, { scope: 'note' })).status).to.equal(200);
    expectRefused(await ask('free', await proof(), { scope: 'note' }), 'invalid_scope', /forwards/);
    expect((await ask('free', await proof(), { scope: 'look' })).status).to.equal(200);
  });

  it('RFC 8693: a service gets a token without cnf for the bound one that it received, and sends no proof', async () => {
    const root = rootOf(await ask('app', await proof()));
    const parameters = {
      grant_type: EXCHANGE,
      subject_token: root,
      subject_token_type: `${TYPE}access_token`,
      audience: 'audit',
    };
    const { body } = await issuer.token(parameters, { as: 'shop' });
    expect(body['token_type']).to.equal('Bearer');
    const claims = decodeJwt(body['access_token'] as string);
    expect(claims).to.deep.include({ act: { sub: 'spiffe://example/shop' }, client_id: 'app' });
    expect(claims).to.not.have.property('cnf');
    const payment = await exchange(issuer.issuer, 'shop', root, { audiences: ['payment'] });
    expect(decodeJwt(payment.token)).to.not.have.property('cnf');
    const proving = { as: 'shop', headers: { dpop: await proof() } };
    expectRefused(
      await issuer.token(parameters, proving),
      'invalid_request',
      /shop must not send a DPoP proof/,
    );
  });

  it('RFC 8693 and RFC 7523: a client that exchanges a user’s token with a proof gets a bound root', async () => {
    const provider = await startProvider();
    const shop = await startIssuer((url) => users({ url, subjects: { login: subjectOf(provider) } }), {
      issuer: { clock: () => NOW },
    });
    const dpop = () => signer.proof({ method: 'POST', url: `${shop.url}/token`, now: NOW });
    const token = await provider.idToken();
    const exchanged = {
      grant_type: EXCHANGE,
      subject_token: token,
      subject_token_type: `${TYPE}id_token`,
    };
    const asserted = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: token };
    for (const parameters of [exchanged, asserted]) {
      const options = { as: 'web', headers: { dpop: await dpop() } };
      const { body, text } = await shop.token({ ...parameters, scope: 'read' }, options);
      expect(body['token_type'], text).to.equal('DPoP');
      expect(decodeJwt(body['access_token'] as string)).to.deep.include({
        sub: 'login:alice',
        cnf: { jkt: signer.jkt },
      });
      const bare = await shop.token({ ...parameters, scope: 'read' }, { as: 'web' });
      expect(decodeJwt(rootOf(bare))).to.not.have.property('cnf');
    }
  });

  it('RFC 9449 section 6.2: introspection says the binding and the type, to the client too', async () => {
    for (const as of ['app', 'web']) {
      const token = rootOf(await ask(as, await proof()));
      expect(token.startsWith('wbo_')).to.equal(as === 'web');
      for (const party of ['edge', 'shop', as]) {
        const { body } = await issuer.token({ token }, { as: party, path: '/introspect' });
        expect(body, `${as}, ${party}`).to.deep.include({
          active: true,
          token_type: 'DPoP',
          cnf: { jkt: signer.jkt },
        });
      }
    }
    const bare = rootOf(await ask('guest'));
    const { body } = await issuer.token({ token: bare }, { as: 'edge', path: '/introspect' });
    expect(body).to.include({ active: true, token_type: 'Bearer' }).and.to.not.have.property('cnf');
  });

  it('logs to which key a token is bound, and no proof', async () => {
    const one = await proof();
    await ask('app', one);
    await ask('app', one);
    await ask('app', await proof({ htm: 'GET' }));
    const [issued] = issuer.logLines();
    expect(issued).to.deep.include({ msg: 'issued', cnf: { jkt: signer.jkt } });
    for (const part of one.split('.')) expect(issuer.logText()).to.not.contain(part);
    expect(issuer.logText()).to.not.contain('eyJ');
  });
});
