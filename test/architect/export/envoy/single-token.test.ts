/**
 * `authorization` is one access token of Waybill and nothing else, for every algorithm that Envoy verifies. And where names
 * have no dot, so that the callees' tokens travel through Envoy in headers: each call gets its own, and no header stays.
 */
import { expect } from 'chai';

import type { Plan } from '../../../../src/graph/index.ts';
import { planOf } from '../../../support/compile.ts';
import { hasEnvoy, needsEnvoy, stopEnvoys } from '../../../support/envoy.ts';
import { removeScratch } from '../../../support/files.ts';
import { closeServers, listen } from '../../../support/http.ts';
import { startIssuer, stopIssuers } from '../../../support/issuer/start.ts';
import { makeSigner } from '../../../support/keys/signer.ts';
import { tokenAt } from '../../../support/issuer/trees.ts';
import { bearer, startService } from './one-service.ts';
import type { Arrived } from './random-mesh.ts';

const ALGORITHMS = ['ES256', 'PS256', 'RS256'] as const;

const graph = (signing: string) => (url: string) => `waybill: 1
name: flat
issuer: { url: '${url}', signing: ${signing} }
defaults: { audience: 'http://{name}.example', caller: none }
clients: { web: { auth: { method: client_secret_basic, secret_env: WEB }, calls: { shop: [buy, look] } } }
services:
  shop:
    scopes:
      buy: { operations: [POST /buy], calls: { stock: [take], pay: [charge] } }
      look: { operations: ['GET /items/{id}', 'GET /files/*'], calls: { stock: [take] } }
  stock: { scopes: { take: } }
  pay: { scopes: { charge: } }
`;

/** All that a header may hold beside letters: of these, tokens are made of the first three. */
const SIGNS = [...'-_.!"#$%&\'()*+,/:;<=>?@[\\]^`{|}~ \t', '\u0080', '\u00ff'];
const LETTERS = [...'AZaz09'];

describe(`Envoy and one token${needsEnvoy}`, function () {
  this.timeout(120_000);
  before(function () {
    if (!hasEnvoy) this.skip();
  });
  after(async () => {
    await stopEnvoys();
    await Promise.all([closeServers(), stopIssuers()]);
    removeScratch();
  });

  async function start(signing: (typeof ALGORITHMS)[number]) {
    const issuer = await startIssuer(graph(signing));
    const root = async (scope: string) =>
      (await issuer.token({ grant_type: 'client_credentials', scope }, { as: 'web' })).body['access_token']!;
    return { root, ...(await startProxy(issuer.plan)) };
  }

  async function startProxy(plan: Plan) {
    const { envoy, request, call } = await startService(plan, 'shop');
    return {
      envoy,
      buy: (authorization: string | string[]) => request('POST /buy', { authorization }),
      look: (url: string, token: string) => request(`GET ${url}`, bearer(token)),
      call: (callee: string, token: string, headers: Readonly<Record<string, string>> = {}) =>
        call(`${callee}.example`, { ...bearer(token), ...headers }),
    };
  }

  const tokenHeaders = (arrived: Arrived | undefined) =>
    Object.keys(arrived?.headers ?? {})
      .filter((name) => /^x[-_]waybill/.test(name))
      .sort();

  for (const signing of ALGORITHMS)
    it(`${signing}: accepts a token, and nothing before, in, or behind it`, async () => {
      const { envoy, root, buy } = await start(signing);
      const token = await root('buy');
      expect((await buy(`Bearer ${token}`)).status).to.equal(200);
      const end = token.lastIndexOf('.') + 11;
      const wrong: (string | string[])[] = [...SIGNS, ...LETTERS].flatMap((sign) => [
        // Blanks around a whole header are no part of it.
        ...(/^[ \t]$/.test(sign) ? [] : [`Bearer ${token}${sign}`, `${sign}Bearer ${token}`]),
        `Bearer ${token}${sign}x`,
        `Bearer ${token}${sign}.`,
        `Bearer ${token}.${sign}.`,
        `Bearer ${token}.${sign.repeat(85)}.`,
        `Bearer ${token}${sign.repeat(256)}x`,
        `Bearer ${sign}${token}`,
        `Bearer ${token.slice(0, end)}${sign}${token.slice(end)}`,
        `Bearer ${token.slice(0, 40)}${sign}${token.slice(40)}`,
      ]);
      wrong.push(
        `Bearer ${token.replace('.', '..')}`,
        `Bearer ${token.replace(/\.(?=[^.]*$)/, '..')}`,
        `Bearer ${token.replace('.', '.'.repeat(20_000))}`,
        `Bearer ${token}==`,
        `Bearer ${token}===`,
        `Bearer ${token} Bearer ${token}`,
        `Bearer ${token}, Bearer ${token}`,
        [`Bearer ${token}`, `Bearer ${token}`],
        [`Bearer ${token}`, 'Basic eDp5'],
        ['Basic eDp5', `Bearer ${token}`],
        `Basic eDp5, Bearer ${token}`,
        `DPoP Bearer ${token}`,
        `bearer ${token}`,
        token,
      );
      for (const authorization of wrong) {
        const { status } = await buy(authorization);
        expect(status, JSON.stringify(authorization)).to.be.oneOf([400, 401, 403]);
      }
      expect((await buy(`Bearer ${token}`)).status).to.equal(200);
      expect(wrong.length).to.be.greaterThan(400);
      const known = /global_downstream_max_connections|^$/;
      expect(
        envoy
          .log()
          .split('\n')
          .filter((line) => !known.test(line)),
      ).to.deep.equal([]);
    });

  it('sends each callee its own token, and none of the headers in which Envoy keeps them', async () => {
    const { root, buy, call } = await start('ES256');
    const token = await root('buy look');
    const forged = { 'x-waybill-child-1': 'forged', 'x-waybill-child-2': 'forged', x_waybill_sub: 'admin' };
    for (const callee of ['stock', 'pay']) {
      const { arrived } = await call(callee, token, forged);
      expect(arrived?.headers['authorization']).to.deep.equal([`Bearer ${tokenAt(token, callee).compact}`]);
      expect(tokenHeaders(arrived)).to.deep.equal([]);
      expect(JSON.stringify(arrived)).to.not.include(token.split('.')[1]!);
      expect(arrived?.url).to.equal('/a/../b//c');
    }
    const { arrived } = await buy(`Bearer ${token}`);
    expect(tokenHeaders(arrived)).to.deep.equal(['x-waybill-scope', 'x-waybill-sub', 'x-waybill-txn']);
  });

  it('refuses a call for which the token has no child, whatever the headers of the caller say', async () => {
    const { root, call } = await start('ES256');
    const token = await root('look');
    const forged = { 'x-waybill-child-1': 'forged', 'x-waybill-child-2': 'forged' };
    const { status, arrived } = await call('pay', token, forged);
    expect([status, arrived]).to.deep.equal([403, undefined]);
    expect((await call('stock', token)).status).to.equal(200);
    expect((await call('stock', `${token.slice(0, -8)}AAAAAAAA`)).status).to.equal(401);
  });

  it('refuses a token that does not end, and one that has ended', async () => {
    const signer = await makeSigner();
    const keys = JSON.stringify({ keys: [signer.publicJwk] });
    const issuer = await listen((_, response) => {
      response.setHeader('content-type', 'application/json').end(keys);
    });
    const { buy } = await startProxy(planOf(graph('ES256')(issuer)));
    const now = Math.floor(Date.now() / 1000);
    const common = { iss: issuer, aud: 'http://shop.example', sub: 'web', client_id: 'web', scope: 'buy' };
    const statusOf = async (exp: number | undefined) =>
      (await buy(`Bearer ${await signer.sign({ ...common, iat: now - 900, exp })}`)).status;
    expect(await statusOf(now + 300)).to.equal(200);
    expect(await statusOf(undefined)).to.equal(401);
    expect(await statusOf(now - 300)).to.equal(401);
  });

  it('compares and sends on paths as received, and refuses those that are read in several ways', async () => {
    const { root, look } = await start('ES256');
    const token = await root('look');
    for (const url of [
      '/items/7',
      '/items/7?a=/../b//c',
      '/files/',
      '/files/a/b',
      '/files/a.b/..c',
      '/files/%C3%A4%e4%b8%ad/%F0%9F%98%80',
    ]) {
      const { status, arrived } = await look(url, token);
      expect([status, arrived?.url], url).to.deep.equal([200, url]);
    }
    const refused = [
      ...[
        '/files/../items/7',
        '/files/./a',
        '/files//a',
        '/files/a/..',
        '/files/..',
        '/files/%2e%2e/a',
        '//items/7',
      ],
      ...[
        '/files/a%2fb',
        '/files/a\\b',
        '/files/..;/a',
        '/files/;/a',
        '/files/%2561dmin',
        '/files/%u002e%u002e/x',
        '/files/%20../x',
        '/files/%ef%bc%8fa',
        '/files/%f0%80%80%ae/x',
        '/files/%ff',
        '/files/%80',
        '/files/a%bf/x',
        '/files/%e4%b8/x',
        '/files/%ed%a0%80',
        '/files/%f4%90%80%80',
        '/files/%c3%a4%a4',
        '/items/%80',
        '/files/100%',
        '/items//7',
        '/x/../items/7',
        '/items/.',
        '/items/..',
      ],
      ...['/items/%2e%2E', '/files/%252e%252e/a', '/./items/7'],
    ];
    for (const url of refused) expect((await look(url, token)).status, url).to.be.oneOf([400, 403]);
  });
});
