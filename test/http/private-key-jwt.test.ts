/** Authentication with a key of one's own, of clients and services, at a real issuer. */
import { generateKeyPairSync } from 'node:crypto';

import { expect } from 'chai';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import type { CryptoKey, JWK, JWTPayload } from 'jose';
import * as oauth from 'oauth4webapi';

import { createIssuer } from '../../src/issuer/index.ts';
import { extractor } from '../../src/middleware/index.ts';
import type { KeyCredentials } from '../../src/middleware/index.ts';
import { memoryStore } from '../../src/store/index.ts';
import { closeServers, listen } from '../middleware/servers.ts';
import { keysFor, secretsFor } from '../support/issued.ts';
import { basic, startIssuer, stopIssuers } from '../support/running-issuer.ts';
import type { Answer, FormParameters, TestIssuer } from '../support/running-issuer.ts';
import { failure } from '../token/signing.ts';

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

interface Pair {
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
  readonly privateJwk: JWK;
}

async function pair(alg: string, kid: string): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return {
    privateKey,
    publicJwk: { ...(await exportJWK(publicKey)), kid, alg },
    privateJwk: { ...(await exportJWK(privateKey)), kid, alg },
  };
}

describe('private_key_jwt', () => {
  let issuer: TestIssuer;
  let web: Pair;
  let orders: Pair;
  let remote: Pair;
  let published: JWK[];
  let jwksUri: string;
  let fetches = 0;
  let options: Parameters<typeof startIssuer>[1];

  const graph = (url: string) => `
waybill: 1
name: shop
issuer: { url: '${url}' }
defaults: { audience: 'https://{name}.shop.example', headers: { profile: go } }
clients:
  web:
    auth: { method: private_key_jwt, jwks_file: web.jwks }
    calls: { orders: [place] }
  app:
    auth: { method: private_key_jwt, jwks_uri: '${jwksUri}' }
    calls: { orders: [place] }
  kiosk:
    auth: { method: client_secret_basic, secret_env: KIOSK }
    calls: { orders: [place] }
services:
  orders:
    auth: { method: private_key_jwt, jwks_file: orders.jwks }
    scopes: { place: { calls: { payment: { scopes: [charge], mode: exchange } } } }
  payment: { scopes: { charge: {} } }
`;

  before(async () => {
    [web, orders, remote] = await Promise.all([
      pair('ES256', 'w1'),
      pair('Ed25519', 'o1'),
      pair('PS256', 'r1'),
    ]);
    published = [remote.publicJwk];
    const address = await listen((_request, response) => {
      fetches += 1;
      response.writeHead(published.length > 0 ? 200 : 503).end(JSON.stringify({ keys: published }));
    });
    jwksUri = `${address}/jwks`;
    options = {
      issuer: {
        store: memoryStore(),
        keySets: new Map([
          ['web', { keys: [web.publicJwk] }],
          ['orders', { keys: [orders.publicJwk] }],
        ]),
      },
    };
    issuer = await startIssuer(graph, options);
  });
  after(async () => {
    await stopIssuers();
    await closeServers();
  });

  const now = (): number => Math.floor(Date.now() / 1000);
  let count = 0;

  interface Bent {
    readonly claims?: JWTPayload & Record<string, unknown>;
    readonly header?: Record<string, unknown>;
    readonly key?: Pair;
    readonly client?: string;
  }

  /** An assertion that is right in every respect but those that are bent; undefined takes a member away. */
  async function assertion({
    claims = {},
    header = {},
    key = web,
    client = 'web',
  }: Bent = {}): Promise<string> {
    count += 1;
    const payload = {
      iss: client,
      sub: client,
      aud: issuer.url,
      jti: `j${count}`,
      exp: now() + 60,
      ...claims,
    };
    const { kid, alg } = key.publicJwk;
    const protectedHeader = JSON.parse(JSON.stringify({ alg, kid, ...header })) as { alg: string };
    return new SignJWT(JSON.parse(JSON.stringify(payload)) as JWTPayload)
      .setProtectedHeader(protectedHeader)
      .sign(key.privateKey);
  }

  const ask = (client_assertion: string, more: Record<string, string> = {}): Promise<Answer> =>
    issuer.token({
      grant_type: 'client_credentials',
      client_assertion_type: JWT_BEARER,
      client_assertion,
      ...more,
    });

  function expectRefused(answer: Answer, says: RegExp): void {
    expect(answer.status, answer.text).to.equal(401);
    expect(answer.body['error']).to.equal('invalid_client');
    expect(answer.body['error_description']).to.match(says);
  }

  it('RFC 7523 section 2.2: gets a tree, with and without client_id', async () => {
    for (const more of [{}, { client_id: 'web' }]) {
      const answer = await ask(await assertion(), { scope: 'place', ...more });
      expect(answer.status, answer.text).to.equal(200);
    }
  });

  it('RFC 7523 section 2.2: is what oauth4webapi does, for keys of a file and of an address', async () => {
    const address = new URL(issuer.url);
    const insecure = { [oauth.allowInsecureRequests]: true };
    const server = await oauth.processDiscoveryResponse(
      address,
      await oauth.discoveryRequest(address, { algorithm: 'oauth2', ...insecure }),
    );
    expect(server.token_endpoint_auth_methods_supported).to.deep.equal([
      'client_secret_basic',
      'private_key_jwt',
    ]);
    expect(server.token_endpoint_auth_signing_alg_values_supported)
      .to.include('ES256')
      .and.not.include('none');
    for (const [client_id, { privateKey, publicJwk }] of [
      ['web', web],
      ['app', remote],
    ] as const) {
      const auth = oauth.PrivateKeyJwt({ key: privateKey, kid: publicJwk.kid as string });
      const client = { client_id };
      const response = await oauth.clientCredentialsGrantRequest(
        server,
        client,
        auth,
        { scope: 'place' },
        insecure,
      );
      const answer = await oauth.processClientCredentialsResponse(server, client, response);
      expect(answer.scope).to.equal('place');
    }
  });

  it('rfc7523bis section 3, threat 10: has the issuer as its sole audience, and no endpoint', async () => {
    expect(
      (await ask(await assertion({ claims: { aud: [issuer.url] } }), { scope: 'place' })).status,
    ).to.equal(200);
    for (const aud of [
      `${issuer.url}/token`,
      [issuer.url, `${issuer.url}/token`],
      [issuer.url, issuer.url],
      `${issuer.url}/`,
      'https://evil.example',
      [],
      [[issuer.url]],
      undefined,
    ]) {
      const bent = { claims: { aud } } as unknown as Bent;
      expectRefused(await ask(await assertion(bent)), /nothing else/);
    }
  });

  it('RFC 7523 section 3: iss and sub are the client, and so is client_id', async () => {
    expectRefused(await ask(await assertion({ claims: { sub: 'app' } })), /both be the client/);
    expectRefused(await ask(await assertion({ claims: { iss: 'app' } })), /both be the client/);
    expectRefused(await ask(await assertion({ claims: { sub: undefined } } as unknown as Bent)), /both/);
    expectRefused(await ask(await assertion(), { client_id: 'app' }), /not the one/);
  });

  it('RFC 7523 section 3: expires, and lives five minutes at most', async () => {
    const times: readonly (readonly [Record<string, unknown>, RegExp])[] = [
      [{ exp: undefined }, /needs exp/],
      [{ exp: 'soon' }, /time is a number/],
      [{ exp: now() }, /expired/],
      [{ exp: now() + 3600 }, /300 seconds/],
      [{ iat: now() + 60 }, /future/],
      [{ nbf: now() + 60 }, /future/],
      [{ nbf: 'x' }, /time is a number/],
    ];
    for (const [claims, says] of times) expectRefused(await ask(await assertion({ claims })), says);
    expect(
      (await ask(await assertion({ claims: { exp: now() + 300 } }), { scope: 'place' })).status,
    ).to.equal(200);
  });

  it('RFC 7523 section 3, threat 14: counts once, over a reload and at once from many sides', async () => {
    const used = await assertion();
    expect((await ask(used, { scope: 'place' })).status).to.equal(200);
    expectRefused(await ask(used), /used before/);
    const { plan } = issuer;
    const keys = await keysFor(plan.issuer.signing);
    issuer.issuer = createIssuer({ plan, keys, secrets: secretsFor(plan), ...options?.issuer });
    expectRefused(await ask(used), /used before/);
    const raced = await assertion();
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(raced, { scope: 'place' })));
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1);
    for (const jti of [undefined, '', 7]) {
      expectRefused(await ask(await assertion({ claims: { jti } as unknown as JWTPayload })), /no jti/);
    }
    // One jti of two clients is two; the length of a jti bounds nothing.
    const jti = 'j'.repeat(2_000);
    expect((await ask(await assertion({ claims: { jti } }), { scope: 'place' })).status).to.equal(200);
    const other = await assertion({ claims: { jti }, client: 'app', key: remote });
    expect((await ask(other, { scope: 'place' })).status).to.equal(200);
  });

  it('threat 14: is not used up by what does not hold', async () => {
    const claims = { jti: 'kept' };
    expectRefused(
      await ask(
        await assertion({ claims, key: { ...web, privateKey: (await pair('ES256', 'x')).privateKey } }),
      ),
      /not signed/,
    );
    expect((await ask(await assertion({ claims }), { scope: 'place' })).status).to.equal(200);
  });

  it('threat 8: has the typ of an assertion, or that of any JWT, or none', async () => {
    for (const typ of ['JWT', 'client-authentication+jwt', 'application/client-authentication+JWT']) {
      expect((await ask(await assertion({ header: { typ } }), { scope: 'place' })).status, typ).to.equal(200);
    }
    for (const typ of ['at+jwt', 'dpop+jwt', 'token-introspection+jwt', 7, '']) {
      expectRefused(await ask(await assertion({ header: { typ } })), /typ/);
    }
  });

  it('threat 7: is signed by a key of the client, with that key’s algorithm', async () => {
    const stranger = await pair('ES256', 'w1');
    expectRefused(await ask(await assertion({ key: stranger })), /Unknown client, or/);
    expectRefused(await ask(await assertion({ key: await pair('ES256', 'w2') })), /Unknown client, or/);
    expectRefused(await ask(await assertion({ key: orders })), /Unknown client, or/);
    expectRefused(await ask(await assertion({ key: await pair('ES384', 'w1') })), /algorithm/);
    expectRefused(await ask(await assertion({ key: await pair('RS256', 'w1') })), /Unknown client, or/);
    expectRefused(await ask(await assertion({ header: { kid: undefined } })), /kid/);
    const [, payload] = (await assertion()).split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none', kid: 'w1' })).toString('base64url');
    expectRefused(await ask(`${none}.${payload}.`), /algorithm/);
    // The public key as an HMAC secret.
    const confused = await new SignJWT({ iss: 'web', sub: 'web', aud: issuer.url, jti: 'c', exp: now() + 60 })
      .setProtectedHeader({ alg: 'HS256', kid: 'w1' })
      .sign(new TextEncoder().encode(JSON.stringify(web.publicJwk)));
    expectRefused(await ask(confused), /algorithm/);
  });

  it('threat 9: ignores a key that the assertion brings along', async () => {
    const own = await pair('ES256', 'w1');
    expectRefused(
      await ask(await assertion({ key: own, header: { jwk: own.publicJwk } })),
      /Unknown client, or/,
    );
    expectRefused(await ask(await assertion({ key: own, header: { jku: jwksUri } })), /Unknown client, or/);
  });

  it('answers alike for an unknown client and a wrong key; a client with a secret has no key, and the other way', async () => {
    const texts = [];
    for (const client of ['nobody', 'kiosk', 'payment', '__proto__']) {
      const answer = await ask(await assertion({ client }));
      expectRefused(answer, /Unknown client, or/);
      texts.push(answer.text);
    }
    expect(new Set(texts).size).to.equal(1);
    expectRefused(
      await issuer.token(
        { grant_type: 'client_credentials' },
        { headers: { authorization: basic('web', 'x') } },
      ),
      /wrong secret/,
    );
  });

  it('RFC 6749 section 2.3: is one way among others, and the only one in a request', async () => {
    const parameters: FormParameters = {
      grant_type: 'client_credentials',
      client_assertion_type: JWT_BEARER,
      client_assertion: await assertion(),
    };
    expect((await issuer.token(parameters, { as: 'kiosk' })).status).to.equal(400);
    expect((await issuer.token({ ...parameters, client_secret: 'x' })).status).to.equal(400);
    expect((await issuer.token([...Object.entries(parameters), ['client_assertion', 'x']])).status).to.equal(
      400,
    );
  });

  it('RFC 7521 section 4.2: comes with its type', async () => {
    const client_assertion = await assertion();
    const only = await issuer.token({ grant_type: 'client_credentials', client_assertion });
    expect(only.status).to.equal(400);
    expect(
      (await issuer.token({ grant_type: 'client_credentials', client_assertion_type: JWT_BEARER })).status,
    ).to.equal(400);
    const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer';
    expectRefused(await ask(client_assertion, { client_assertion_type }), /client_assertion_type can be/);
  });

  it('RFC 7521 section 5.2: is a JWT of bounded size, and never in an answer or the log', async () => {
    for (const text of ['x', 'a.b.c', 'e30.e30.e30', 'x'.repeat(9_000), '{}']) {
      expect((await ask(text)).status, text.slice(0, 9)).to.equal(401);
    }
    const used = await assertion();
    const answers = [await ask(used, { scope: 'place' }), await ask(used)];
    const signature = used.slice(used.lastIndexOf('.') + 1);
    expect(answers[1]?.text).to.not.include(signature);
    expect(issuer.logText()).to.not.include(signature);
  });

  it('RFC 7517: keys of an address are fetched once, anew for an unknown id only after a pause, and missed clearly', async () => {
    const before = fetches;
    const mine = (): Promise<string> => assertion({ client: 'app', key: remote });
    for (let time = 0; time < 3; time += 1) {
      expect((await ask(await mine(), { scope: 'place' })).status).to.equal(200);
      const unknown = await pair('PS256', `u${time}`);
      expectRefused(await ask(await assertion({ client: 'app', key: unknown })), /Unknown client, or/);
    }
    expect(fetches - before).to.be.at.most(1);
    published = [];
    issuer.issuer = createIssuer({
      plan: issuer.plan,
      keys: await keysFor('ES256'),
      secrets: secretsFor(issuer.plan),
      ...options?.issuer,
    });
    const missed = await ask(await mine());
    expect(missed.status).to.equal(503);
    expect(missed.body['error']).to.equal('temporarily_unavailable');
    expect(missed.text).to.not.include(jwksUri);
    published = [remote.publicJwk];
  });

  it('starts with usable public keys alone, and says whose are not', async () => {
    const { plan } = issuer;
    const keys = await keysFor('ES256');
    const make = (document: unknown) => () =>
      createIssuer({
        plan,
        keys,
        secrets: secretsFor(plan),
        keySets: new Map([
          ['web', document],
          ['orders', { keys: [orders.publicJwk] }],
        ]),
      });
    const none = await failure('keys_missing', make(undefined));
    expect(none.message).to.include('web (file web.jwks)');
    for (const document of [
      {},
      [],
      { keys: [] },
      { keys: [web.privateJwk] },
      { keys: [{ ...web.publicJwk, kid: undefined }] },
    ]) {
      expect((await failure('keys_invalid', make(document))).message).to.include('web');
    }
  });

  describe('in the extractor', () => {
    const AUDIENCE = 'https://orders.shop.example';

    async function exchanged(credentials: KeyCredentials): Promise<string> {
      const root = await ask(await assertion(), { scope: 'place' });
      const waybill = extractor({ issuer: issuer.url, audience: AUDIENCE, caller: 'none', credentials });
      const context = await waybill.authenticate({ authorization: `Bearer ${root.body['access_token']}` });
      return (await context.obtainHeaders('payment')).authorization;
    }

    it('RFC 8693 section 2.1: authenticates an exchange, with a JWK, a KeyObject or a function', async () => {
      const method = 'private_key_jwt';
      const clientId = 'orders';
      expect(await exchanged({ clientId, method, key: orders.privateJwk })).to.match(/^Bearer ey/);
      const { KeyObject } = await import('node:crypto');
      const key = KeyObject.from(orders.privateKey);
      expect(await exchanged({ clientId, method, key, kid: 'o1', alg: 'Ed25519' })).to.match(/^Bearer ey/);
      const asked: string[] = [];
      const made = async (aud: string): Promise<string> => {
        asked.push(aud);
        return assertion({ client: 'orders', key: orders, claims: { aud } });
      };
      expect(await exchanged({ clientId, method, key: made })).to.match(/^Bearer ey/);
      expect(asked).to.deep.equal([issuer.url]);
    });

    it('refuses when it is made what could not sign', async () => {
      const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const good = { clientId: 'orders', method: 'private_key_jwt', key: orders.privateJwk };
      for (const bad of [
        { key: orders.publicJwk },
        { key: { kty: 'oct', k: 'AAAA', kid: 'a', alg: 'ES256' } },
        { key: undefined },
        { key: 'text' },
        { alg: 'RS256' },
        { alg: 'HS256' },
        { kid: '' },
        { clientId: '' },
        { secret: 'x' },
        { key: rsa.publicKey, kid: 'a', alg: 'RS256' },
        { key: rsa.privateKey, kid: 'a' },
        { key: rsa.privateKey, kid: 'a', alg: 'ES256' },
      ]) {
        const credentials = { ...good, ...bad } as unknown as KeyCredentials;
        await failure('usage', () =>
          extractor({ issuer: issuer.url, audience: AUDIENCE, caller: 'none', credentials }),
        );
      }
    });
  });
});
