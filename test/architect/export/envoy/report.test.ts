/**
 * The shop while it adopts Waybill: shop and stock report, warehouse and pay enforce. Requests that would be refused pass
 * and are counted, and a service's own token leaves on no way.
 */
import { expect } from 'chai';

import { envoyConfig, configYaml } from '../../../../src/architect/export/index.ts';
import { eventually } from '../../../support/clock/eventually.ts';
import { HEAD, client, planOf } from '../../../support/compile.ts';
import { hasEnvoy, needsEnvoy, stopEnvoys } from '../../../support/envoy.ts';
import { removeScratch } from '../../../support/files.ts';
import { closeServers, freePort } from '../../../support/http.ts';
import { startIssuer, stopIssuers } from '../../../support/issuer/start.ts';
import { tokenAt } from '../../../support/issuer/trees.ts';
import { sendThrough } from '../proxied-shop.ts';
import { bearer, startService } from './one-service.ts';
import { startEcho } from './random-mesh.ts';
import { SERVICES, startShop, type ServiceName, type Shop } from './shop.ts';

const sendPlain = (
  port: number,
  method: string,
  path: string,
  { host = '127.0.0.1', ...headers }: Readonly<Record<string, string>>,
) => sendThrough(port, `http://${host}${path}`, { method, headers });

type Line = Readonly<Record<string, string | number>>;

const linesIn = (text: string): Line[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

describe(`a shop behind Envoy in report mode${needsEnvoy}`, function () {
  this.timeout(120_000);
  let shop: Shop;
  let root: string;
  const child = (...path: string[]) => tokenAt(root, ...path).compact;

  before(async function () {
    if (!hasEnvoy) this.skip();
    shop = await startShop({ shop: 'report', 'stock.v1': 'report' });
    root = await shop.root('order browse');
  });
  after(async () => {
    await stopEnvoys();
    await Promise.all([closeServers(), stopIssuers()]);
    removeScratch();
  });

  const output = (service: ServiceName) => shop.envoys[SERVICES.indexOf(service)]!.output();
  let marks = 0;

  /** All lines since the last time: a request that is always reported marks their end. */
  async function linesOf(service: 'shop' | 'stock.v1'): Promise<readonly Line[]> {
    const mark = `/mark/${++marks}`;
    await shop.call(service, mark);
    await eventually(30, () => output(service).includes(`"${mark}"`));
    const lines = linesIn(output(service));
    const earlier = lines.findLastIndex(
      ({ path }, at) => String(path).startsWith('/mark/') && at < lines.length - 1,
    );
    shop.seen.splice(
      shop.seen.findIndex(({ path }) => path === mark),
      1,
    );
    return lines.slice(earlier + 1, -1);
  }
  beforeEach(async () => {
    await linesOf('shop');
    await linesOf('stock.v1');
    shop.seen.splice(0);
  });

  const tokensSeen = () =>
    Object.fromEntries(shop.seen.map(({ service, authorization }) => [service, authorization]));
  const headersSeen = () =>
    shop.seen.flatMap(({ headers }) => Object.keys(headers).filter((name) => /^x[-_]waybill/.test(name)));
  const refusals = (lines: readonly Line[]) =>
    lines.map(({ at, callee, reason, refusals: first, permissions, policy, status }) =>
      at === 'call' ? [at, callee, reason, status] : [at, reason, first, permissions, policy, status],
    );

  it('reports nothing of a request that enforcement accepts, and tells the service of its token', async () => {
    const answer = await shop.call('shop', '/orders', { method: 'POST', token: root });
    expect([answer.status, answer.text]).to.deep.equal([200, 'shop']);
    expect(tokensSeen()).to.deep.equal({
      shop: [`Bearer ${root}`],
      'stock.v1': [`Bearer ${child('stock.v1')}`],
      pay: [`Bearer ${child('pay')}`],
      warehouse: [`Bearer ${child('stock.v1', 'warehouse')}`],
    });
    for (const { headers } of shop.seen) expect(headers).to.include.keys('x-waybill-sub', 'x-waybill-scope');
    expect(await linesOf('shop')).to.deep.equal([]);
    expect(await linesOf('stock.v1')).to.deep.equal([]);
  });

  it('lets a client without a token in as far as services report, and those that enforce refuse', async () => {
    const answer = await shop.call('shop', '/orders?card=4111', { method: 'POST' });
    expect(answer.status).to.equal(200);
    // The services call nobody for this address: with it they do.
    expect((await shop.call('shop', '/orders', { method: 'POST' })).status).to.equal(502);
    expect(tokensSeen()).to.deep.equal({ shop: [], 'stock.v1': [] });
    expect(headersSeen()).to.deep.equal([]);
    const [withQuery, ...others] = await linesOf('shop');
    expect(withQuery).to.deep.include({
      decision: 'reported',
      at: 'service',
      service: 'shop',
      audience: 'https://shop.shop.example',
      method: 'POST',
      path: '/orders',
      reason: 'Jwt is missing',
      status: 200,
      flags: '-',
    });
    expect(refusals(others)).to.have.deep.members([
      ['call', 'stock.v1.shop.example', 'Jwt is missing', 502],
      ['call', 'pay.shop.example', 'Jwt is missing', 401],
      ['service', 'Jwt is missing', 'allowed', 'denied', undefined, 502],
    ]);
    expect(refusals(await linesOf('stock.v1'))).to.have.deep.members([
      ['call', 'warehouse.shop.example', 'Jwt is missing', 401],
      ['service', 'Jwt is missing', 'allowed', 'denied', undefined, 502],
    ]);
    expect(output('pay') + output('warehouse')).to.equal('');
  });

  it('removes headers that only a proxy sets, whoever sends them', async () => {
    const headers = {
      'x-waybill-sub': 'admin',
      x_waybill_scope: 'all',
      'x-waybill-waiting': `Bearer ${root}`,
    };
    expect((await shop.call('shop', '/items/7', { headers })).status).to.equal(200);
    await shop.callOut('shop', 'http://stock.v1.shop.example/stock/7', { headers });
    expect(shop.seen.map(({ service }) => service)).to.deep.equal(['shop', 'stock.v1']);
    expect(headersSeen()).to.deep.equal([]);
    expect(shop.seen[1]?.authorization).to.deep.equal([]);
  });

  const wrong: readonly (readonly [string, () => Promise<unknown>, readonly unknown[]])[] = [
    [
      'another signature',
      () => shop.call('shop', '/items/7', { token: `${root.slice(0, -8)}AAAAAAAA` }),
      ['Jwt verification fails', 'allowed', 'denied', undefined],
    ],
    [
      'a child of another service',
      () => shop.call('shop', '/items/7', { token: child('pay') }),
      ['Audiences in Jwt are not allowed', 'allowed', 'denied', undefined],
    ],
    [
      'no JWT',
      () => shop.call('shop', '/items/7', { token: 'opaque' }),
      [
        'Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections',
        'allowed',
        'denied',
        undefined,
      ],
    ],
    [
      'a scope that does not allow the path',
      async () => shop.call('shop', '/large', { method: 'GET', token: root }),
      [undefined, 'allowed', 'denied', undefined],
    ],
    [
      'a certificate of another than its presenter',
      () => shop.call('shop', '/items/7', { token: root, as: shop.certificateOf('stranger') }),
      [undefined, 'allowed', 'denied', undefined],
    ],
    [
      'no certificate',
      () => shop.call('shop', '/items/7', { token: root, as: 'nobody' }),
      [undefined, 'allowed', 'denied', undefined],
    ],
    [
      'a path that servers read differently',
      () => shop.call('shop', '/items/a%2fb', { token: root }),
      [undefined, 'denied', 'allowed', 'ambiguous-path'],
    ],
    [
      'other credentials beside the token',
      () => shop.call('shop', '/items/7', { headers: { authorization: `Basic eDp5, Bearer ${root}` } }),
      [undefined, 'denied', 'allowed', 'more-than-a-token'],
    ],
  ];
  for (const [what, attempt, expected] of wrong) {
    it(`passes and reports: ${what}`, async () => {
      expect(await attempt()).to.include({ status: 200 });
      expect(shop.seen).to.have.length(1);
      expect(headersSeen()).to.deep.equal([]);
      expect(refusals(await linesOf('shop'))).to.deep.equal([['service', ...expected, 200]]);
    });
  }

  it('passes and reports plain HTTP where enforcement asks for TLS', async () => {
    const headers = { authorization: `Bearer ${root}` };
    const { status } = await sendPlain(shop.inboundPort('shop'), 'GET', '/items/7', headers);
    expect(status).to.equal(200);
    expect(headersSeen()).to.deep.equal([]);
    const lines = await linesOf('shop');
    expect(lines.map(({ decision, reason }) => [decision, reason])).to.deep.equal([['reported', 'no TLS']]);
    expect(lines[0]).to.include({ client: 'web' });
  });

  it('reports a call for which the token has no child, and sends it without any', async () => {
    const browse = await shop.root('browse');
    const sent = { method: 'POST', token: browse };
    expect((await shop.callOut('shop', 'http://pay.shop.example/charge', sent)).status).to.equal(401);
    await shop.callOut('shop', 'http://stock.v1.shop.example/reserve', sent);
    expect(shop.seen[0]?.authorization).to.deep.equal([`Bearer ${tokenAt(browse, 'stock.v1').compact}`]);
    expect(refusals(await linesOf('shop'))).to.deep.equal([['call', 'pay.shop.example', undefined, 401]]);
  });

  it('refuses a host that is no callee, and says so', async () => {
    const { status } = await shop.callOut('shop', 'http://elsewhere.example/', { token: root });
    expect(status).to.equal(403);
    const [line] = await linesOf('shop');
    expect(line).to.include({
      decision: 'refused',
      at: 'call',
      callee: 'elsewhere.example',
      reason: 'no callee',
    });
  });

  for (const [what, authorization] of [
    ['of another audience', () => `Bearer ${child('pay')}`],
    ['with another signature', () => `Bearer ${root.slice(0, -8)}AAAAAAAA`],
    ['with other letters in its scheme', () => `bearer ${root}`],
    ['twice', () => `Bearer ${root}, Bearer ${root}`],
    ['under another scheme', () => `DPoP ${root}`],
  ] as const)
    it(`sends no token on ${what}`, async () => {
      const headers = { authorization: authorization() };
      await shop.callOut('shop', 'http://stock.v1.shop.example/stock/7', { headers });
      expect(tokensSeen()).to.deep.equal({ 'stock.v1': [] });
    });

  it('writes no token, and warns of nothing', () => {
    const written = SERVICES.map(output).join('');
    expect(written).to.not.match(/eyJ|Bearer|4111/);
    expect(linesIn(written).length).to.be.greaterThan(20);
    const known = /global_downstream_max_connections|^$/;
    const logged = shop.envoys.flatMap((envoy) => envoy.log().split('\n'));
    expect(logged.filter((line) => !known.test(line))).to.deep.equal([]);
  });
});

describe(`a service that passes its token on, in report mode${needsEnvoy}`, function () {
  this.timeout(60_000);
  const graph = (url: string) => `waybill: 1
name: forwarding
issuer: { url: '${url}' }
defaults: { headers: { profile: envoy }, audience: 'http://{name}.example', caller: none }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB }, calls: { shop: [buy] } }
  mobile: { auth: { method: client_secret_basic, secret_env: MOBILE }, calls: { shop: [look] } }
services:
  shop:
    auth: { method: client_secret_basic, secret_env: SHOP_SECRET }
    scopes:
      buy: { calls: { stock: [take], ads: { scopes: [show], mode: exchange } } }
      look: { calls: { rates: { scopes: [read], mode: forward } } }
  stock: { scopes: { take: } }
  ads: { scopes: { show: } }
  rates: { audience: "urn:rates:it's(100%25)", accepts_forward: [shop], scopes: { read: } }
`;
  before(function () {
    if (!hasEnvoy) this.skip();
  });
  after(async () => {
    await stopEnvoys();
    await Promise.all([closeServers(), stopIssuers()]);
    removeScratch();
  });

  /** @param keys where the proxy looks for the issuer's keys; default: at the issuer. */
  async function start(keys?: number) {
    const issuer = await startIssuer(graph);
    const rates = { host: '127.0.0.1', port: await startEcho() };
    const ratesHost = `${rates.host}:${rates.port}`;
    const service = await startService(issuer.plan, 'shop', {
      mode: 'report',
      addresses: new Map([['rates', rates]]),
      ...(keys === undefined ? {} : { issuerAddress: { host: '127.0.0.1', port: keys } }),
    });
    const root = async (scope: string) => {
      const as = scope === 'buy' ? 'web' : 'mobile';
      const { body } = await issuer.token({ grant_type: 'client_credentials', scope }, { as });
      return body['access_token']!;
    };
    const call = async (callee: string, token: string | undefined) => {
      const host = callee === 'rates' ? ratesHost : `${callee}.example`;
      const { status, arrived } = await service.call(host, token === undefined ? {} : bearer(token));
      expect(status).to.equal(200);
      return arrived?.headers['authorization']?.join();
    };
    return { envoy: service.envoy, root, call, ratesHost };
  }

  it('passes on a token that the callee may get, and no other', async () => {
    const { root, call } = await start();
    const look = await root('look');
    const buy = await root('buy');
    expect(await call('rates', look)).to.equal(`Bearer ${look}`);
    expect(await call('rates', buy)).to.equal(undefined);
    expect(await call('rates', `${look.slice(0, -8)}AAAAAAAA`)).to.equal(undefined);
    expect(await call('rates', undefined)).to.equal(undefined);
    expect(await call('stock', buy)).to.equal(`Bearer ${tokenAt(buy, 'stock').compact}`);
  });

  it('sends a call whose token must be fetched without any, and reports it', async () => {
    const { envoy, root, call } = await start();
    expect(await call('ads', await root('buy'))).to.equal(undefined);
    await eventually(30, () => envoy.output().includes('\n'));
    expect(linesIn(envoy.output()).map(({ callee }) => callee)).to.deep.equal(['ads.example']);
  });

  it('sends no token where the keys of the issuer cannot be had', async () => {
    const { envoy, root, call, ratesHost } = await start(await freePort());
    const [look, buy] = [await root('look'), await root('buy')];
    for (const [callee, token] of [
      ['rates', look],
      ['stock', buy],
      ['ads', buy],
    ] as const)
      expect(await call(callee, token), callee).to.equal(undefined);
    await eventually(30, () => linesIn(envoy.output()).length >= 3);
    expect(linesIn(envoy.output()).map(({ callee }) => callee)).to.deep.equal([
      ratesHost,
      'stock.example',
      'ads.example',
    ]);
  });
});

describe(`a host of which only some paths are a callee’s, in report mode${needsEnvoy}`, function () {
  this.timeout(60_000);
  const graph = (url: string) => `waybill: 1
name: paths
issuer: { url: '${url}' }
defaults: { headers: { profile: envoy }, audience: 'http://{name}.example', caller: none }
clients: { web: { auth: { method: client_secret_basic, secret_env: WEB }, calls: { shop: [buy] } } }
services:
  shop: { scopes: { buy: { calls: { stock: [take], pay: [charge] } } } }
  stock: { audience: 'http://api.example/a', scopes: { take: } }
  pay: { audience: 'http://api.example/pay', scopes: { charge: } }
`;
  before(function () {
    if (!hasEnvoy) this.skip();
  });
  after(async () => {
    await stopEnvoys();
    await Promise.all([closeServers(), stopIssuers()]);
    removeScratch();
  });

  it('sends calls of the others on without a token, and reports them', async () => {
    const issuer = await startIssuer(graph);
    const { body } = await issuer.token({ grant_type: 'client_credentials', scope: 'buy' }, { as: 'web' });
    const root = body['access_token']!;
    // Their path is /b/c.
    const enforcing = await startService(issuer.plan, 'shop');
    expect((await enforcing.call('api.example', bearer(root))).status).to.equal(403);
    const { call, envoy } = await startService(issuer.plan, 'shop', { mode: 'report' });
    const { status, arrived } = await call('api.example', bearer(root));
    expect([status, arrived?.headers['authorization']]).to.deep.equal([200, undefined]);
    await eventually(30, () => envoy.output().includes('\n'));
    expect(linesIn(envoy.output())[0]).to.include({
      decision: 'reported',
      at: 'call',
      callee: 'api.example',
    });
  });
});

describe('export to Envoy: the mode', () => {
  const plan = planOf(`${HEAD}${client('{ shop: [buy] }')}services:
  shop: { scopes: { buy: { operations: [POST /buy] } } }
`);
  it('is said at the top of the file, and as a note', () => {
    const { services, notes } = envoyConfig(plan, { mode: 'report' });
    const [, first] = configYaml(plan, 'shop', services.get('shop')!, notes).split('\n');
    expect(first).to.match(/^# report-mode: Report mode: nothing is refused before the services\./);
    expect(notes[0]?.code).to.equal('report-mode');
  });
  it('leaves no rule in force', () => {
    const { services } = envoyConfig(plan, { mode: 'report' });
    expect(JSON.stringify([...services]))
      .to.include('"shadow_rules":')
      .and.not.include('"rules":{');
    expect(JSON.stringify([...envoyConfig(plan).services]))
      .to.include('"rules":{')
      .and.not.include('shadow');
  });
});
