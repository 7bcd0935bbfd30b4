/** A real OPA in report mode: every request passes, and the decision names what would be denied. */
import { expect } from 'chai';

import { opaBundle } from '../../../../src/architect/export/index.ts';
import { planOf } from '../../../support/compile.ts';
import { removeScratch } from '../../../support/files.ts';
import { closeServers, freePort } from '../../../support/http.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../../support/issuer/scripted.ts';
import { makeSigner, type Json } from '../../../support/keys/signer.ts';
import { hasOpa, needsOpa, startOpa, stopOpas, type Opa } from '../../../support/opa.ts';

const graph = (url: string): string => `
waybill: 1
name: shop
issuer: { url: '${url}' }
defaults: { headers: { max_total: 64KiB }, audience: 'https://{name}.example', caller: none }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB }, calls: { shop: [browse, order] } }
services:
  shop:
    scopes:
      browse: { operations: ['GET /items/{id}'] }
      order: { operations: [POST /orders] }
`;

interface Report {
  readonly allowed: boolean;
  readonly dynamic_metadata?: Json;
  readonly request_headers_to_remove?: readonly string[];
}

describe(`export to OPA in report mode${needsOpa}`, function () {
  this.timeout(60_000);
  let issuer: ScriptedIssuer;
  let opa: Opa;

  before(async function () {
    if (!hasOpa) this.skip();
    issuer = await startScriptedIssuer();
    opa = await startOpa(opaBundle(planOf(graph(issuer.url)), { mode: 'report' }).files);
  });
  after(async () => {
    await stopOpas();
    await closeServers();
    removeScratch();
  });

  const now = Math.floor(Date.now() / 1000);
  const root = (overrides: Json = {}, header: Json = {}): Promise<string> =>
    issuer.token(
      {
        iat: now,
        exp: now + 300,
        aud: 'https://shop.example',
        client_id: 'web',
        scope: 'browse',
        ...overrides,
      },
      header,
    );
  const inputOf = (headers: Readonly<Record<string, string>>, method = 'GET', path = '/items/7') => ({
    attributes: { contextExtensions: { service: 'shop' }, request: { http: { method, path, headers } } },
  });
  const report = async (input: object): Promise<Report> =>
    (await opa.ask<Report>('waybill/envoy/report', input))!;

  it('says nothing of a request that is allowed', async () => {
    const input = inputOf({ authorization: `Bearer ${await root()}`, 'x-waybill-sub': 'web' });
    expect(await report(input)).to.deep.equal({ allowed: true });
    expect(await opa.ask('waybill/envoy/allow', input)).to.equal(true);
  });

  const wrong: readonly (readonly [code: string, what: string, () => Promise<object>])[] = [
    ['token_missing', 'no token', async () => inputOf({})],
    ['token_missing', 'another scheme', async () => inputOf({ authorization: 'Basic eDp5' })],
    ['token_presenter', 'the scheme DPoP', async () => inputOf({ authorization: 'DPoP a.b.c' })],
    ['token_malformed', 'no JWT', async () => inputOf({ authorization: 'Bearer opaque' })],
    ['token_sealed', 'a sealed token', async () => inputOf({ authorization: 'Bearer eyJ..e.e.e' })],
    ['token_packed', 'a packed token', async () => inputOf({ authorization: 'Bearer wb1~x' })],
    ['token_repeated', 'two tokens', async () => inputOf({ authorization: `Bearer x,Bearer x` })],
    [
      'token_too_large',
      'a large one',
      async () => inputOf({ authorization: `Bearer ${'a'.repeat(300_000)}` }),
    ],
    ...(
      [
        ['token_type', 'another type', { header: { typ: 'JWT' } }],
        ['token_key_unknown', 'an unknown key', { header: { kid: 'other' } }],
        ['token_issuer', 'another issuer', { claims: { iss: 'https://elsewhere.example' } }],
        ['token_audience', 'another audience', { claims: { aud: 'https://stock.example' } }],
        ['token_claims', 'no sub', { claims: { sub: '' } }],
        ['token_claims', 'act without a name', { claims: { act: {} } }],
        ['token_expired', 'an end that has come', { claims: { exp: now - 1 } }],
        ['token_not_yet_valid', 'a start to come', { claims: { nbf: now + 600 } }],
        ['token_presenter', 'a key that nobody shows', { claims: { cnf: { jkt: 'x' } } }],
        ['scope_insufficient', 'a client without the scope', { claims: { client_id: 'mobile' } }],
      ] as const
    ).map(
      ([code, what, { claims, header }]: readonly [string, string, { claims?: Json; header?: Json }]) =>
        [code, what, async () => inputOf({ authorization: `Bearer ${await root(claims, header)}` })] as const,
    ),
    [
      'token_signature',
      'another signature',
      async () => {
        const stranger = await makeSigner('ES256', 'ES256-1');
        const token = await root();
        const forged = await stranger.sign(
          JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Json,
        );
        return inputOf({ authorization: `Bearer ${forged}` });
      },
    ],
    [
      'operation_unlisted',
      'an operation of no scope',
      async () => inputOf({ authorization: `Bearer ${await root()}` }, 'DELETE'),
    ],
    [
      'scope_insufficient',
      'an operation of another scope',
      async () => inputOf({ authorization: `Bearer ${await root()}` }, 'POST', '/orders'),
    ],
    ['path_ambiguous', 'such a path, and no token', async () => inputOf({}, 'GET', '/items/a%2fb')],
    ['usage', 'a service that the graph lacks', async () => ({ attributes: { request: { http: {} } } })],
    ['usage', 'nothing at all', async () => ({})],
  ];
  for (const [code, what, input] of wrong)
    it(`lets ${what} pass and reports ${code}`, async () => {
      const asked = await input();
      expect(await opa.ask('waybill/envoy/allow', asked)).to.equal(false);
      const { allowed, dynamic_metadata } = await report(asked);
      expect(allowed).to.equal(true);
      expect(dynamic_metadata).to.include({ decision: 'reported', error: code });
    });

  it('threat 120: takes away headers that only a proxy sets', async () => {
    const headers = {
      'x-waybill-sub': 'admin',
      x_waybill_act: 'admin',
      'X.Waybill.Txn': '0',
      'x-other': '1',
    };
    const { request_headers_to_remove: removed } = await report(inputOf(headers));
    expect(removed).to.have.members(['x-waybill-sub', 'x_waybill_act', 'X.Waybill.Txn']);
  });

  it('names the client and the transaction of a token that was verified, and of no other', async () => {
    const token = await root({ txn: 'T', act: { sub: 'spiffe://x/y' } });
    const asked = (authorization: string) => report(inputOf({ authorization }, 'DELETE'));
    const { dynamic_metadata: known } = await asked(`Bearer ${token}`);
    expect(known).to.include({ txn: 'T', client: 'web', caller: 'spiffe://x/y' });
    const { dynamic_metadata: forged } = await asked(`Bearer ${token.slice(0, -8)}AAAAAAAA`);
    expect(forged).to.deep.equal({ decision: 'reported', error: 'token_signature' });
  });

  it('lets requests pass where the keys of the issuer cannot be had', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const other = await startOpa(opaBundle(planOf(graph(url)), { mode: 'report' }).files);
    const asked = inputOf({ authorization: `Bearer ${await root({ iss: url })}` });
    expect(await other.ask('waybill/envoy/report', asked)).to.deep.include({
      allowed: true,
      dynamic_metadata: { decision: 'reported', error: 'issuer_unavailable' },
    });
  });

  it('says why claims are denied, and nothing where they are allowed', async () => {
    const claims = { aud: 'https://shop.example', client_id: 'web', scope: 'browse' };
    const refusal = (more: object) =>
      opa.ask('waybill/authz/refusal', { service: 'shop', method: 'GET', path: '/items/7', claims, ...more });
    expect(await refusal({})).to.equal(undefined);
    expect(await refusal({ path: '/other' })).to.equal('operation_unlisted');
    expect(await refusal({ claims: { ...claims, scope: 'order' } })).to.equal('scope_insufficient');
    expect(await refusal({ service: 'stock' })).to.equal('usage');
  });

  it('is in a bundle for report mode alone, which says so first', () => {
    const plan = planOf(graph('https://tokens.example'));
    const [enforcing, reporting] = [opaBundle(plan), opaBundle(plan, { mode: 'report' })];
    expect([...reporting.files.keys()]).to.deep.equal([
      ...enforcing.files.keys(),
      'refusal.rego',
      'report.rego',
    ]);
    expect(reporting.notes[0]?.code).to.equal('report-mode');
    expect(enforcing.notes.map(({ code }) => code)).not.to.include('report-mode');
  });
});
