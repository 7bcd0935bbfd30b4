/** Authentication with a JWT-SVID, of clients and services, at a real issuer. */
import { expect } from 'chai';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import type { CryptoKey, JWK } from 'jose';
import * as oauth from 'oauth4webapi';

import { createIssuer } from '../../../src/issuer/index.ts';
import { PATIENT, keysFor, secretsFor } from '../../support/issuer/issue.ts';
import { basic, type Answer } from '../../support/http.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import { bundleOf } from '../../support/issuer/tls.ts';
import { testCa } from '../../support/keys/certificates.ts';
import { failure } from '../../support/failure.ts';

const JWT_SPIFFE = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe';
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const ID = 'spiffe://shop.example/till';

/** A key of a trust domain, and its entry in the bundle. */
interface SvidKey {
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly entry: JWK;
}

async function svidKey(alg: string, kid: string): Promise<SvidKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, privateKey, entry: { ...(await exportJWK(publicKey)), kid, use: 'jwt-svid' } };
}

const graph = (url: string): string => `
waybill: 1
name: shop
issuer: { url: '${url}' }
defaults: { identity: 'spiffe://shop.example/{name}', headers: { profile: go } }
clients:
  till: { auth: { method: spiffe_jwt, spiffe_id: '${ID}', bundle_file: shop.json }, calls: { orders: [place] } }
  one: { auth: { method: spiffe_jwt, spiffe_id: 'spiffe://shop.example/two', bundle_file: shop.json }, calls: { orders: [place] } }
  two: { auth: { method: spiffe_jwt, spiffe_id: 'spiffe://shop.example/two', bundle_file: shop.json }, calls: { orders: [place] } }
  friend: { auth: { method: spiffe_jwt, spiffe_id: 'spiffe://friend.example/till', bundle_file: friend.json }, calls: { orders: [place] } }
  kiosk: { auth: { method: client_secret_basic, secret_env: KIOSK }, calls: { orders: [place] } }
services:
  orders:
    auth: { method: spiffe_jwt, bundle_file: shop.json }
    scopes: { place: { calls: { payment: { scopes: [charge], mode: exchange } } } }
  payment: { scopes: { charge: {} } }
  depot:
    identity: ['spiffe://shop.example/depot', 'spiffe://shop.example/depot-canary', 'spiffe://friend.example/depot']
    auth: { method: spiffe_jwt, bundle_file: shop.json }
    scopes: { open: {} }
`;

describe('spiffe_jwt', () => {
  let issuer: TestIssuer;
  let shop: SvidKey;
  let friend: SvidKey;
  let others: SvidKey[];
  let keySets: Map<string, unknown>;

  before(async () => {
    [shop, friend, ...others] = await Promise.all([
      svidKey('ES256', 's1'),
      svidKey('ES256', 'f1'),
      svidKey('ES384', 's2'),
      svidKey('ES512', 's3'),
      ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((alg, n) => svidKey(alg, `s${n + 4}`)),
    ]);
    // As SPIRE writes a bundle: certificates and keys in one set, keys without `alg`.
    const { keys } = bundleOf(testCa('shop.example')) as { keys: object[] };
    const bundle = {
      keys: [...keys, ...[shop, ...others].map(({ entry }) => entry)],
      spiffe_sequence: 7,
      spiffe_refresh_hint: 300,
    };
    keySets = new Map<string, unknown>([
      ...['till', 'one', 'two', 'orders', 'depot'].map((name) => [name, bundle] as const),
      ['friend', { keys: [friend.entry] }],
    ]);
    issuer = await startIssuer(graph, { issuer: { keySets } });
  });
  after(stopIssuers);

  const now = (): number => Math.floor(Date.now() / 1000);

  interface Bent {
    readonly claims?: Readonly<Record<string, unknown>>;
    readonly header?: Readonly<Record<string, unknown>>;
    readonly key?: SvidKey;
  }

  /** As an agent makes it for an audience: without `iss` and `jti`. Undefined takes a member away. */
  async function svid({ claims = {}, header = {}, key = shop }: Bent = {}): Promise<string> {
    const payload = { sub: ID, aud: [issuer.url], exp: now() + 300, iat: now(), ...claims };
    const protectedHeader = { alg: key.alg, kid: key.entry.kid, typ: 'JWT', ...header };
    const plain = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;
    return new SignJWT(plain(payload))
      .setProtectedHeader(plain(protectedHeader) as { alg: string })
      .sign(key.privateKey);
  }

  const ask = (client_assertion: string, more: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    issuer.token({
      grant_type: 'client_credentials',
      scope: 'place',
      client_assertion_type: JWT_SPIFFE,
      client_assertion,
      ...more,
    });

  async function expectAccepted(bent: Bent, more: Readonly<Record<string, string>> = {}): Promise<void> {
    const answer = await ask(await svid(bent), more);
    expect(answer.status, answer.text).to.equal(200);
  }

  async function expectRefused(bent: Bent, says: RegExp, more: Record<string, string> = {}): Promise<string> {
    const answer = await ask(await svid(bent), more);
    expect(answer.status, answer.text).to.equal(401);
    expect(answer.body['error']).to.equal('invalid_client');
    expect(answer.body['error_description']).to.match(says);
    return answer.text;
  }

  it('draft-ietf-oauth-spiffe-client-auth section 3.1: gets a tree, without client_id, by name and by id', async () => {
    for (const more of [{}, { client_id: 'till' }, { client_id: ID }] as Record<string, string>[]) {
      await expectAccepted({}, more);
    }
    const service = await ask(await svid({ claims: { sub: 'spiffe://shop.example/orders' } }));
    expect(service.body['error'], 'a service, known, that may not ask for trees').to.equal(
      'unauthorized_client',
    );
  });

  it('accepts each identity of a party in the trust domain of its bundle, and no other', async () => {
    for (const name of ['depot', 'depot-canary'])
      for (const more of [{}, { client_id: 'depot' }] as Record<string, string>[]) {
        const answer = await ask(await svid({ claims: { sub: `spiffe://shop.example/${name}` } }), more);
        expect(answer.body['error'], 'a service, known').to.equal('unauthorized_client');
      }
    await expectRefused({ claims: { sub: 'spiffe://shop.example/depot-canary' } }, /./, {
      client_id: 'orders',
    });
    await expectRefused({ claims: { sub: 'spiffe://friend.example/depot' }, key: friend }, /./);
    await expectRefused({ claims: { sub: 'spiffe://friend.example/depot' }, key: friend }, /./, {
      client_id: 'depot',
    });
  });

  it('RFC 8414 section 2: is among the methods, and what oauth4webapi sends with a method of its own', async () => {
    const address = new URL(issuer.url);
    const insecure = { [oauth.allowInsecureRequests]: true };
    const server = await oauth.processDiscoveryResponse(
      address,
      await oauth.discoveryRequest(address, { algorithm: 'oauth2', ...insecure }),
    );
    expect(server.token_endpoint_auth_methods_supported).to.deep.equal(['client_secret_basic', 'spiffe_jwt']);
    expect(server.introspection_endpoint_auth_methods_supported).to.include('spiffe_jwt');
    expect(server, 'that is for private_key_jwt alone').to.not.have.property(
      'token_endpoint_auth_signing_alg_values_supported',
    );
    const client = { client_id: ID };
    const asSvid: oauth.ClientAuth = async ({ issuer: audience }, { client_id }, body) => {
      body.set('client_id', client_id);
      body.set('client_assertion_type', JWT_SPIFFE);
      body.set('client_assertion', await svid({ claims: { aud: audience } }));
    };
    const response = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      asSvid,
      { scope: 'place' },
      insecure,
    );
    expect((await oauth.processClientCredentialsResponse(server, client, response)).scope).to.equal('place');
  });

  it('draft-ietf-oauth-spiffe-client-auth section 3.1, threat 10: has the issuer as its sole audience', async () => {
    await expectAccepted({ claims: { aud: issuer.url } });
    for (const aud of [
      `${issuer.url}/token`,
      [issuer.url, 'https://other.example'],
      [issuer.url, issuer.url],
      `${issuer.url}/`,
      'spiffe://shop.example/tokens',
      [],
      undefined,
    ]) {
      await expectRefused({ claims: { aud } }, /nothing else/);
    }
  });

  it('JWT-SVID section 3.3: expires, and from now on lives a quarter of an hour at most', async () => {
    await expectAccepted({ claims: { exp: now() + 900 } });
    await expectAccepted({ claims: { iat: undefined } });
    const cases: readonly (readonly [Record<string, unknown>, RegExp])[] = [
      [{ exp: undefined }, /needs exp/],
      [{ exp: 'soon' }, /number/],
      [{ exp: now() }, /expired/],
      [{ exp: now() + 3600 }, /900 seconds/],
      [{ nbf: now() + 60 }, /future/],
      [{ iat: now() + 60 }, /future/],
    ];
    for (const [claims, says] of cases) await expectRefused({ claims }, says);
  });

  it('JWT-SVID section 7.1: may be shown again, as agents hand one out until it is old', async () => {
    for (const claims of [{}, { jti: 'the same' }]) {
      const one = await svid({ claims });
      for (let time = 0; time < 3; time += 1) expect((await ask(one)).status).to.equal(200);
    }
  });

  it('JWT-SVID section 2.1: is signed with one of nine algorithms, by the key of its kid', async () => {
    for (const key of others) await expectAccepted({ key });
    const [, rsa] = [others[0], others.find(({ alg }) => alg === 'RS256') as SvidKey];
    await expectRefused({ key: { ...others[0]!, entry: shop.entry } }, /Unknown client, or/);
    await expectRefused({ key: { ...rsa, entry: shop.entry } }, /Unknown client, or/);
    await expectRefused({ key: { ...shop, entry: rsa.entry } }, /Unknown client, or/);
    await expectRefused({ key: await svidKey('ES256', 's1') }, /Unknown client, or/);
    await expectRefused({ key: await svidKey('ES256', 'unknown') }, /Unknown client, or/);
    await expectRefused({ key: await svidKey('Ed25519', 's1') }, /algorithm/);
    await expectRefused({ header: { kid: undefined } }, /kid/);
  });

  it('threat 7: none, and the public key as an HMAC secret, are refused', async () => {
    const [, payload] = (await svid()).split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none', kid: 's1' })).toString('base64url');
    const confused = await new SignJWT({ sub: ID, aud: issuer.url, exp: now() + 60 })
      .setProtectedHeader({ alg: 'HS256', kid: 's1' })
      .sign(new TextEncoder().encode(JSON.stringify(shop.entry)));
    for (const token of [`${none}.${payload}.`, confused]) {
      const answer = await ask(token);
      expect(answer.status).to.equal(401);
      expect(answer.body['error_description']).to.match(/algorithm/);
    }
  });

  it('RFC 8725 section 3.1: is signed with the algorithm of the key, where the bundle names one', async () => {
    const key = await svidKey('PS256', 'p1');
    const withAlg = (alg?: string) => new Map([...keySets, ['till', { keys: [{ ...key.entry, alg }] }]]);
    const { plan } = issuer;
    for (const [alg, status] of [
      ['PS256', 200],
      ['RS256', 401],
      [undefined, 200],
    ] as const) {
      issuer.issuer = createIssuer({
        plan,
        keys: await keysFor('ES256'),
        secrets: secretsFor(plan),
        keySets: withAlg(alg),
      });
      expect((await ask(await svid({ key }))).status, alg).to.equal(status);
    }
    issuer.issuer = createIssuer({
      plan,
      keys: await keysFor('ES256'),
      secrets: secretsFor(plan),
      keySets,
      attempts: PATIENT,
    });
  });

  it('JWT-SVID section 2, threat 9: has nothing in its header that brings a key along, nor anything else', async () => {
    const own = await svidKey('ES256', 's1');
    for (const header of [
      { jwk: own.entry },
      { jku: 'https://evil.example/jwks' },
      { x5u: 'https://evil.example/x' },
      { x5c: ['AAAA'] },
      { cty: 'JWT' },
    ]) {
      await expectRefused({ key: own, header }, /nothing else/);
      await expectRefused({ header }, /nothing else/);
    }
    const critical = await svid();
    const [, payload, signature] = critical.split('.');
    const header = Buffer.from(JSON.stringify({ alg: 'ES256', kid: 's1', crit: ['b64'], b64: false }));
    expect((await ask([header.toString('base64url'), payload, signature].join('.'))).status).to.equal(401);
  });

  it('JWT-SVID section 2.3, threat 8: has the typ JWT or JOSE, or none', async () => {
    for (const typ of ['JWT', 'JOSE', undefined]) await expectAccepted({ header: { typ } });
    for (const typ of ['jwt', 'at+jwt', 'client-authentication+jwt', 'wit+jwt', '', 7]) {
      await expectRefused({ header: { typ } }, /typ/);
    }
  });

  it('threat 17: is compared whole, and only as a SPIFFE ID', async () => {
    for (const sub of [`${ID}/x`, `${ID}x`, 'spiffe://shop.example/til', 'spiffe://other.example/till']) {
      await expectRefused({ claims: { sub } }, /Unknown client, or/);
    }
    for (const sub of [
      'till',
      `${ID}/`,
      'SPIFFE://shop.example/till',
      'spiffe://shop.example',
      undefined,
      7,
      [ID],
    ]) {
      await expectRefused({ claims: { sub } }, /not the SPIFFE ID of a workload/);
    }
  });

  it('threat 17: a bundle vouches for its own trust domain alone', async () => {
    await expectAccepted({ key: friend, claims: { sub: 'spiffe://friend.example/till' } });
    await expectRefused({ key: friend }, /Unknown client, or/);
    await expectRefused({ claims: { sub: 'spiffe://friend.example/till' } }, /Unknown client, or/);
  });

  it('draft-ietf-oauth-spiffe-client-auth section 5.2.4: whatever iss says, keys come from the bundle', async () => {
    await expectAccepted({ claims: { iss: 'https://oidc.shop.example' } });
    await expectRefused(
      { key: await svidKey('ES256', 's9'), claims: { iss: issuer.url } },
      /Unknown client, or/,
    );
  });

  it('RFC 7521 section 4.2: is about the client that client_id names, and of two with one id the named one', async () => {
    for (const client_id of ['one', 'kiosk', 'nobody', 'spiffe://shop.example/two', '__proto__']) {
      await expectRefused({}, /Unknown client, or/, { client_id });
    }
    const claims = { sub: 'spiffe://shop.example/two' };
    for (const client_id of ['one', 'two']) await expectAccepted({ claims }, { client_id });
    await expectRefused({ claims }, /Unknown client, or/);
    await expectRefused({ claims }, /Unknown client, or/, { client_id: claims.sub });
  });

  it('answers alike for an unknown client, another’s SVID and a wrong key', async () => {
    const texts = [
      await expectRefused({ claims: { sub: 'spiffe://shop.example/nobody' } }, /./),
      await expectRefused({ key: friend }, /./),
      await expectRefused({ key: await svidKey('ES256', 's1') }, /./),
      await expectRefused({}, /./, { client_id: 'nobody' }),
    ];
    expect(new Set(texts).size).to.equal(1);
  });

  it('threat 8: is no assertion of a client’s own key, nor the other way round', async () => {
    await expectRefused({}, /both be the client/, { client_assertion_type: JWT_BEARER });
    await expectRefused({ claims: { iss: ID } }, /Unknown client, or/, { client_assertion_type: JWT_BEARER });
    const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer';
    await expectRefused({}, /client_assertion_type must be/, { client_assertion_type });
  });

  it('RFC 6749 section 2.3: is the only way in a request', async () => {
    const client_assertion = await svid();
    const parameters = {
      grant_type: 'client_credentials',
      client_assertion,
      client_assertion_type: JWT_SPIFFE,
    };
    expect((await issuer.token(parameters, { as: 'kiosk' })).status).to.equal(400);
    expect((await issuer.token({ ...parameters, client_secret: 'x' })).status).to.equal(400);
    const secret = basic('till', 'x');
    const answer = await issuer.token(
      { grant_type: 'client_credentials' },
      { headers: { authorization: secret } },
    );
    expect(answer.status).to.equal(401);
  });

  it('RFC 7521 section 5.2: is a JWT of bounded size, and never in an answer or the log', async () => {
    for (const text of ['x', 'a.b.c', 'e30.e30.e30', 'x'.repeat(9_000), '{}']) {
      expect((await ask(text)).status, text.slice(0, 9)).to.equal(401);
    }
    const shown = await svid({ claims: { aud: 'https://other.example' } });
    const signature = shown.slice(shown.lastIndexOf('.') + 1);
    expect((await ask(shown)).text).to.not.include(signature);
    expect(issuer.logText())
      .to.not.include(signature)
      .and.not.match(/eyJ[\w-]{20,}/);
  });

  it('SPIFFE Trust Domain and Bundle section 4: starts only with a bundle that has keys for it', async () => {
    const { plan } = issuer;
    const keys = await keysFor('ES256');
    const make = (document: unknown) => () =>
      createIssuer({
        plan,
        keys,
        secrets: secretsFor(plan),
        keySets: new Map([...keySets, ['till', document]]),
      });
    const { kid: _, ...nameless } = shop.entry;
    const secret = { ...(await exportJWK(shop.privateKey)), kid: 's1', use: 'jwt-svid' };
    for (const document of [
      {},
      [],
      { keys: [] },
      bundleOf(testCa('shop.example')),
      { keys: [{ ...shop.entry, use: 'sig' }] },
      { keys: [nameless] },
      { keys: [shop.entry, shop.entry] },
      { keys: [secret] },
      { keys: [{ ...shop.entry, x: 'AAAA' }] },
      { keys: Array.from({ length: 101 }, (_, n) => ({ ...shop.entry, kid: `k${n}` })) },
    ]) {
      const error = await failure('keys_invalid', make(document));
      expect(error.message).to.include('till').and.include('jwt-svid');
    }
    expect((await failure('keys_missing', make(undefined))).message).to.include('shop.json');
    // What it does not know, it passes over.
    const odd = [
      { kty: 'OKP', use: 'jwt-svid', kid: 'x' },
      { use: 'wit-svid' },
      null,
      7,
      { ...nameless, use: 'x' },
    ];
    expect(make({ keys: [...odd, shop.entry] })()).to.be.an('object');
  });
});
