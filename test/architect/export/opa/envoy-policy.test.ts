/** A real OPA verifies the tokens of requests to Envoy, in the shape in which opa-envoy describes them. */
import { expect } from 'chai';

import { opaBundle } from '../../../../src/architect/export/index.ts';
import { planOf } from '../../../support/compile.ts';
import { removeScratch } from '../../../support/files.ts';
import { closeServers } from '../../../support/http.ts';
import { startIssuer, stopIssuers } from '../../../support/issuer/start.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../../support/issuer/scripted.ts';
import { tokensOf } from '../../../support/issuer/trees.ts';
import { selfSigned, testCa, type Identity } from '../../../support/keys/certificates.ts';
import { makeSigner, type Json } from '../../../support/keys/signer.ts';
import { hasOpa, needsOpa, startOpa, stopOpas, type Opa } from '../../../support/opa.ts';
import { thumbprintOf } from '../../../../src/identity/index.ts';

const GATEWAY = 'spiffe://shop.example/gateway';
const graph = (url: string): string => `
waybill: 1
name: shop
issuer: { url: '${url}' }
defaults:
  audience: https://{name}.shop.example
  identity: spiffe://shop.example/{name}
  headers: { max_total: 64KiB }
  caller: mtls
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB }
    calls: { shop: [browse, order], open: [read] }
services:
  shop:
    scopes:
      browse: { operations: ['GET /items/{id}'] }
      order: { operations: [POST /orders, GET /items/new], calls: { stock: [reserve] } }
  stock: { scopes: { reserve: { operations: [POST /reserve] } } }
  open: { caller: none, scopes: { read: { operations: ['GET /docs/*'] } } }
`;

interface Asked {
  readonly service?: string;
  readonly method?: string;
  readonly path?: string;
  readonly authorization?: string | undefined;
  readonly principal?: string | undefined;
  readonly certificate?: Identity;
  readonly destination?: string;
}

/** As Envoy writes a certificate. */
const encoded = ({ cert }: Identity): string => encodeURIComponent(cert);

describe(`export to OPA: the policy for Envoy${needsOpa}`, function () {
  this.timeout(60_000);
  let issuer: ScriptedIssuer;
  let opa: Opa;

  before(async function () {
    if (!hasOpa) this.skip();
    issuer = await startScriptedIssuer();
    issuer.intercept = (_, response) => {
      response.setHeader('cache-control', 'max-age=60'); // as the issuer does
      return false;
    };
    opa = await startOpa(opaBundle(planOf(graph(issuer.url)), { gateways: [GATEWAY] }).files);
  });
  after(async () => {
    await stopOpas();
    await Promise.all([closeServers(), stopIssuers()]);
    removeScratch();
  });

  const root = async (overrides: Json = {}, header: Json = {}): Promise<string> => {
    const now = Math.floor(Date.now() / 1000);
    const own = { aud: 'https://shop.shop.example', client_id: 'web', scope: 'browse order' };
    return issuer.token({ iat: now - 5, exp: now + 300, ...own, ...overrides }, header);
  };
  const allows = async (asked: Asked): Promise<boolean> => {
    const { method = 'GET', path = '/items/7', principal = GATEWAY, certificate, authorization } = asked;
    const headers = { ':path': path, ...(authorization === undefined ? {} : { authorization }) };
    const attributes = {
      source: {
        ...('principal' in asked && asked.principal === undefined ? {} : { principal }),
        ...(certificate ? { certificate: encoded(certificate) } : {}),
      },
      destination: { ...(asked.destination === undefined ? {} : { principal: asked.destination }) },
      ...(asked.destination === undefined ? { contextExtensions: { service: asked.service ?? 'shop' } } : {}),
      request: { http: { method, path, headers } },
    };
    return (await opa.ask<boolean>('waybill/envoy/allow', { attributes }))!;
  };
  const allowsRoot = async (overrides: Json, header?: Json, asked: Asked = {}): Promise<boolean> =>
    allows({ ...asked, authorization: `Bearer ${await root(overrides, header)}` });

  it('allows a root that a gateway presents, and asks for the keys once', async () => {
    for (let time = 0; time < 5; time++) expect(await allowsRoot({})).to.equal(true);
    expect(issuer.asked('/jwks')).to.equal(1);
  });

  it('takes away the query, and what another scope names more exactly', async () => {
    expect(await allowsRoot({}, {}, { path: '/items/7?x=/orders' })).to.equal(true);
    expect(await allowsRoot({ scope: 'browse' }, {}, { path: '/items/new' })).to.equal(false);
    expect(await allowsRoot({ scope: 'browse' }, {}, { path: '/items/n%65w' })).to.equal(false);
    expect(await allowsRoot({ scope: 'browse' }, {}, { path: '/items/new;x' })).to.equal(false);
    expect(await allowsRoot({ scope: 'browse' }, {}, { path: '/items/new#x' })).to.equal(false);
    expect(await allowsRoot({ scope: 'order' }, {}, { path: '/items/new' })).to.equal(true);
  });

  it('denies paths that servers read differently', async () => {
    const open = { aud: 'https://open.shop.example', scope: 'read' };
    const read = async (path: string) => allowsRoot(open, {}, { service: 'open', path });
    expect(await read('/docs/a/b')).to.equal(true);
    for (const path of [
      '/docs/../admin',
      '/docs/%2e%2e/x',
      '/docs/..;/x',
      '/docs/a%2fb',
      '/docs/a\\b',
      '//docs/a',
    ])
      expect(await read(path), path).to.equal(false);
  });

  it('knows nobody by one of several URIs, where Envoy sends the certificate', async () => {
    const ca = testCa();
    const [one, two] = [[GATEWAY], [GATEWAY, 'spiffe://shop.example/stranger']].map((uris) =>
      ca.issue({ commonName: 'gateway', uris }),
    );
    expect(await allowsRoot({}, {}, { certificate: one! })).to.equal(true);
    expect(await allowsRoot({}, {}, { certificate: two! })).to.equal(false);
  });

  it('finds the service by its own certificate where Envoy does not name it', async () => {
    expect(await allowsRoot({}, {}, { destination: 'spiffe://shop.example/shop' })).to.equal(true);
    expect(await allowsRoot({}, {}, { destination: 'spiffe://shop.example/stock' })).to.equal(false);
    expect(await allowsRoot({}, {}, { service: 'nobody' })).to.equal(false);
  });

  const header = { typ: 'JWT' };
  const wrong: Readonly<Record<string, readonly [Json, Json?]>> = {
    'another issuer': [{ iss: 'https://elsewhere.example' }],
    'another audience': [{ aud: 'https://stock.shop.example' }],
    'no audience': [{ aud: [] }],
    'an end that has come': [{ exp: Math.floor(Date.now() / 1000) - 1 }],
    'no end': [{ exp: undefined }],
    'an end that is no number': [{ exp: 'never' }],
    'a start to come (nbf)': [{ nbf: Math.floor(Date.now() / 1000) + 60 }],
    'a start that is no number': [{ nbf: 'x' }],
    'an issue to come (iat)': [{ iat: Math.floor(Date.now() / 1000) + 60 }],
    'no sub': [{ sub: undefined }],
    'an empty jti': [{ jti: '' }],
    'a scope with two blanks': [{ scope: 'browse  order' }],
    'no scope': [{ scope: undefined }],
    'another client': [{ client_id: 'mobile' }],
    'another type (RFC 9068 section 4)': [{}, header],
    'no type': [{}, { typ: undefined }],
    'no key id': [{}, { kid: undefined }],
    'an unknown key id': [{}, { kid: 'other' }],
    'a key of its own (RFC 8725 section 3.10)': [{}, { jku: 'https://elsewhere.example' }],
  };
  for (const [what, [overrides, changed]] of Object.entries(wrong))
    it(`denies a token with ${what}`, async () => {
      expect(await allowsRoot({})).to.equal(true);
      expect(await allowsRoot(overrides, changed)).to.equal(false);
    });

  it('denies what is not signed by the issuer', async () => {
    const token = await root();
    const [head = '', body = '', signature = ''] = token.split('.');
    const stranger = await makeSigner();
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Json;
    const none = Buffer.from('{"alg":"none","typ":"at+jwt","kid":"ES256-1"}').toString('base64url');
    const forged = [
      await stranger.sign(claims),
      `${none}.${body}.`,
      `${none}.${body}.${signature}`,
      `${head}.${Buffer.from(JSON.stringify({ ...claims, scope: 'order' })).toString('base64url')}.${signature}`,
    ];
    for (const one of forged) expect(await allows({ authorization: `Bearer ${one}` })).to.equal(false);
  });

  it('reads one bearer token, and no packed one', async () => {
    const token = await root();
    expect(await allows({ authorization: `bearer ${token}` })).to.equal(true);
    const others = [
      undefined,
      '',
      token,
      `DPoP ${token}`,
      `Bearer ${token},Bearer ${token}`,
      `Bearer ${token}=`,
    ];
    for (const authorization of [...others, `Bearer wb1~${token}`, `Bearer ${token} ${token}`])
      expect(await allows({ authorization }), authorization?.slice(0, 12)).to.equal(false);
    expect(await allowsRoot({ note: 'n'.repeat(300_000) }), 'larger than any token').to.equal(false);
  });

  it('needs the presenter that a token names, and a gateway for a root', async () => {
    const child = {
      aud: 'https://stock.shop.example',
      scope: 'reserve',
      act: { sub: 'spiffe://shop.example/shop' },
    };
    const reserve = { service: 'stock', method: 'POST', path: '/reserve' };
    const shop = 'spiffe://shop.example/shop';
    expect(await allowsRoot(child, {}, { ...reserve, principal: shop })).to.equal(true);
    for (const principal of [GATEWAY, 'spiffe://shop.example/stock', '', undefined])
      expect(await allowsRoot(child, {}, { ...reserve, principal })).to.equal(false);
    for (const principal of [shop, '', undefined])
      expect(await allowsRoot({}, {}, { principal }), principal).to.equal(false);
    const open = { aud: 'https://open.shop.example', scope: 'read' };
    expect(await allowsRoot(open, {}, { service: 'open', path: '/docs/a', principal: undefined })).to.equal(
      true,
    );
  });

  it('needs the certificate that a token is bound to (RFC 8705 section 3.1)', async () => {
    const ca = testCa();
    const own = ca.issue({ commonName: 'web' });
    const cnf = { 'x5t#S256': thumbprintOf(own.certificate) };
    const none = { principal: undefined };
    expect(await allowsRoot({ cnf }, {}, { ...none, certificate: own })).to.equal(true);
    expect(await allowsRoot({ cnf }, {}, { ...none, certificate: ca.issue({ commonName: 'web' }) })).to.equal(
      false,
    );
    expect(await allowsRoot({ cnf }), 'from a gateway, the certificate unseen').to.equal(false);
    const ended = selfSigned({ commonName: 'web', notAfter: '20210101000000Z' });
    const bound = { cnf: { 'x5t#S256': thumbprintOf(ended.certificate) } };
    expect(await allowsRoot(bound, {}, { ...none, certificate: ended })).to.equal(false);
    for (const other of [{ jkt: 'x' }, { jkt: 'x', ...cnf }, {}, null])
      expect(await allowsRoot({ cnf: other }, {}, { certificate: own })).to.equal(false);
  });

  it('takes the keys that the operator puts beside the bundle', async () => {
    const own = await makeSigner('RS256', 'put');
    const other = await startOpa(opaBundle(planOf(graph(issuer.url)), { gateways: [GATEWAY] }).files);
    const now = Math.floor(Date.now() / 1000);
    const payload = {
      iss: issuer.url,
      iat: now,
      exp: now + 60,
      sub: 's',
      client_id: 'web',
      jti: 'j',
      txn: 't',
    };
    const token = await own.sign({ ...payload, aud: 'https://open.shop.example', scope: 'read' });
    const input = {
      attributes: {
        contextExtensions: { service: 'open' },
        request: { http: { method: 'GET', path: '/docs/', headers: { authorization: `Bearer ${token}` } } },
      },
    };
    expect(await other.ask('waybill/envoy/allow', input)).to.equal(false);
    const asked = issuer.asked('/jwks');
    await other.putData('waybill/jwks', { keys: [own.publicJwk] });
    expect(await other.ask('waybill/envoy/allow', input)).to.equal(true);
    expect(issuer.asked('/jwks')).to.equal(asked);
  });

  it('allows each token of a real tree at its own service alone', async () => {
    const real = await startIssuer(graph);
    const { body } = await real.token({ grant_type: 'client_credentials', scope: 'order' }, { as: 'web' });
    const other = await startOpa(opaBundle(real.plan, { gateways: [GATEWAY] }).files);
    const tokens = tokensOf(body['access_token']!);
    expect(tokens).to.have.length(2);
    for (const { path: names, compact, payload } of tokens) {
      const own = names.at(-1) ?? 'shop';
      for (const [service, path] of [
        ['shop', '/orders'],
        ['stock', '/reserve'],
      ] as const) {
        const attributes = {
          contextExtensions: { service },
          source: { principal: payload.act?.sub ?? GATEWAY },
          request: { http: { method: 'POST', path, headers: { authorization: `Bearer ${compact}` } } },
        };
        const allowed = await other.ask('waybill/envoy/allow', { attributes });
        expect(allowed, `${own} at ${service}`).to.equal(service === own);
      }
    }
  });
});
