/**
 * The shop while it adopts Waybill: shop and stock report, warehouse and pay enforce. Requests that would be refused pass
 * and are written down, and a service's own token leaves on no way.
 */
import { createPublicKey, type JsonWebKey } from 'node:crypto';

import { expect } from 'chai';

import { haproxyConfig } from '../../../../src/architect/export/index.ts';
import { eventually } from '../../../support/clock/eventually.ts';
import { HEAD, client, planOf } from '../../../support/compile.ts';
import { hasEnvoy, needsEnvoy, stopEnvoys } from '../../../support/envoy.ts';
import { removeScratch, scratchFile } from '../../../support/files.ts';
import { hasHaproxy, needsHaproxy, startHaproxy, stopHaproxies } from '../../../support/haproxy.ts';
import { closeServers, freePort } from '../../../support/http.ts';
import { startScriptedIssuer } from '../../../support/issuer/scripted.ts';
import { stopIssuers } from '../../../support/issuer/start.ts';
import { tokenAt } from '../../../support/issuer/trees.ts';
import { ask, startEcho } from '../envoy/random-mesh.ts';
import { startShop, type Sent, type Shop } from './shop.ts';

interface Line {
  readonly decision: string;
  readonly error: string;
  readonly path: string;
  readonly status: number;
  readonly at: string;
  readonly callee?: string;
}

describe(`a shop behind HAProxy in report mode${needsHaproxy}`, function () {
  this.timeout(120_000);
  let shop: Shop;
  let root: string;

  before(async function () {
    if (!hasHaproxy) return this.skip();
    shop = await startShop({ shop: 'report', stock: 'report' });
    root = await shop.root('order browse');
  });
  after(async () => {
    await stopHaproxies();
    await Promise.all([closeServers(), stopIssuers()]);
    removeScratch();
  });

  const child = (...path: string[]) => tokenAt(root, ...path).compact;
  const linesIn = (text: string): Line[] =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line);

  let marks = 0;
  /** All lines since the last time: a request that is always reported marks their end. */
  async function linesOf(service: 'shop' | 'stock'): Promise<readonly Line[]> {
    const mark = `/mark/${++marks}`;
    await shop.call(service, mark);
    await eventually(10, () => shop.output(service).includes(`${mark.replaceAll('/', '\\/')}"`));
    const lines = linesIn(shop.output(service));
    const earlier = lines.findLastIndex(({ path }, at) => path.startsWith('/mark/') && at < lines.length - 1);
    shop.seen.pop();
    return lines.slice(earlier + 1, -1);
  }
  beforeEach(async () => {
    await linesOf('shop');
    await linesOf('stock');
    shop.seen.splice(0);
  });

  const tokensSeen = () =>
    Object.fromEntries(shop.seen.map(({ service, headers }) => [service, headers.authorization]));
  const identityHeaders = () =>
    shop.seen.flatMap(({ headers }) => Object.keys(headers).filter((name) => name.includes('waybill')));

  it('reports nothing of a request that enforcement accepts, and tells the service of its token', async () => {
    expect(await shop.call('shop', '/orders', { method: 'POST', token: root })).to.equal(200);
    expect(tokensSeen()).to.deep.equal({
      shop: `Bearer ${root}`,
      stock: `Bearer ${child('stock')}`,
      warehouse: `Bearer ${child('stock', 'warehouse')}`,
      pay: `Bearer ${child('pay')}`,
    });
    const stock = shop.seen.find(({ service }) => service === 'stock')!.headers;
    expect(stock).to.include({
      'x-waybill-sub': 'web',
      'x-waybill-scope': 'look reserve',
      'x-waybill-act': 'spiffe://shop.example/shop',
    });
    expect(await linesOf('shop')).to.deep.equal([]);
    expect(await linesOf('stock')).to.deep.equal([]);
  });

  it('lets a client without a token in as far as services report, and those that enforce refuse', async () => {
    // The services call nobody for an address with a query.
    expect(await shop.call('shop', '/orders?card=4111', { method: 'POST' })).to.equal(200);
    expect(await shop.call('shop', '/orders', { method: 'POST' })).to.equal(502);
    expect(tokensSeen()).to.deep.equal({ shop: undefined, stock: undefined });
    expect(identityHeaders()).to.deep.equal([]);
    const [withQuery, ...others] = await linesOf('shop');
    expect(withQuery).to.deep.include({
      decision: 'reported',
      at: 'service',
      service: 'shop',
      audience: 'http://shop.shop.example',
      method: 'POST',
      path: '/orders',
      error: 'token_missing',
      status: 200,
    });
    expect(others.map(({ at, callee, error, status }) => [at, callee, error, status])).to.have.deep.members([
      ['call', 'stock.shop.example', 'token_missing', 502],
      ['call', 'pay.shop.example', 'token_missing', 401],
      ['service', undefined, 'token_missing', 502],
    ]);
    expect(shop.output('pay') + shop.output('warehouse')).to.equal('');
  });

  const tampered = () => `${root.slice(0, -8)}AAAAAAAA`;
  const wrong: readonly (readonly [what: string, code: string, path: string, () => Sent])[] = [
    ['no token', 'token_missing', '/items/7', () => ({})],
    ['another scheme', 'token_missing', '/items/7', () => ({ headers: { authorization: 'Basic eDp5' } })],
    [
      'the scheme DPoP',
      'token_presenter',
      '/items/7',
      () => ({ headers: { authorization: `DPoP ${root}` } }),
    ],
    ['no JWT', 'token_malformed', '/items/7', () => ({ token: 'opaque' })],
    ['a packed token', 'token_packed', '/items/7', () => ({ token: 'wb1~x' })],
    ['a sealed token', 'token_sealed', '/items/7', () => ({ token: 'eyJ.e.e.e.e' })],
    [
      'two tokens',
      'token_repeated',
      '/items/7',
      () => ({ headers: { authorization: [`Bearer ${root}`, `Bearer ${root}`] } }),
    ],
    ['another signature', 'token_signature', '/items/7', () => ({ token: tampered() })],
    ['a child of another service', 'token_audience', '/items/7', () => ({ token: child('pay') })],
    ['a path that no scope names', 'operation_unlisted', '/admin', () => ({ token: root })],
    ['a path that servers read differently', 'path_ambiguous', '/items/a%2fb', () => ({ token: root })],
    ['such a path, and no token', 'path_ambiguous', '//items/7', () => ({})],
  ];
  for (const [what, code, path, sent] of wrong)
    it(`passes and reports: ${what} (${code})`, async () => {
      const { headers, ...given } = sent();
      const forged = { 'x-waybill-sub': 'admin', x_waybill_scope: 'all' };
      expect(await shop.call('shop', path, { ...given, headers: { ...forged, ...headers } })).to.equal(200);
      expect(shop.seen).to.have.length(1);
      expect(identityHeaders()).to.deep.equal([]);
      const lines = await linesOf('shop');
      expect(lines.map(({ decision, error }) => [decision, error])).to.deep.equal([['reported', code]]);
    });

  it('names the client and the transaction of a token that was verified', async () => {
    await shop.call('shop', '/items/new', { token: await shop.root('browse') });
    const [line] = await linesOf('shop');
    expect(line).to.include({ error: 'scope_insufficient', client: 'web' }).and.to.have.property('txn');
  });

  it('reports a call for which the token has no child, and sends it without any', async () => {
    const token = await shop.root('browse');
    const sent = { method: 'POST', token };
    expect(await shop.callOut('shop', 'http://pay.shop.example/charge', sent)).to.equal(401);
    await shop.callOut('shop', 'http://stock.shop.example/reserve', sent);
    expect(tokensSeen()).to.deep.equal({ stock: `Bearer ${tokenAt(token, 'stock').compact}` });
    const lines = await linesOf('shop');
    expect(lines.map(({ at, callee, error }) => [at, callee, error])).to.deep.equal([
      ['call', 'pay.shop.example', 'child_missing'],
    ]);
  });

  for (const [what, authorization] of [
    ['of another audience', () => `Bearer ${child('pay')}`],
    ['with another signature', () => `Bearer ${tampered()}`],
    ['with other letters in its scheme', () => `bearer ${root}`],
    ['twice', () => `Bearer ${root}, Bearer ${root}`],
    ['under another scheme', () => `DPoP ${root}`],
  ] as const)
    it(`sends no token on ${what}`, async () => {
      const headers = { authorization: authorization(), 'x-waybill-sub': 'admin' };
      await shop.callOut('shop', 'http://stock.shop.example/stock/7', { headers });
      expect(tokensSeen()).to.deep.equal({ stock: undefined });
      expect(identityHeaders()).to.deep.equal([]);
    });

  it('refuses a host that is no callee, and says so', async () => {
    expect(await shop.callOut('shop', 'http://elsewhere.example/', { token: root })).to.equal(403);
    const [line] = await linesOf('shop');
    expect(line).to.include({ decision: 'refused', at: 'call', callee: 'elsewhere.example' });
    expect(line).to.include({ error: 'child_missing', status: 403 });
  });

  it('writes lines of JSON without a token, whatever the path and the host are', async () => {
    await shop.callOut('shop', 'http://x/', { headers: { host: 'a"b\\c' } });
    await shop.call('shop', '/"%22\\{}?token=secret');
    expect((await linesOf('shop')).map(({ path }) => path)).to.include('/"%22\\{}');
    expect(shop.output('shop') + shop.output('stock')).to.not.match(/eyJ|Bearer|secret|4111/);
  });
});

describe(`a shop behind HAProxy in report mode and Envoy${needsHaproxy}${needsEnvoy}`, function () {
  this.timeout(120_000);
  let shop: Shop;
  before(async function () {
    if (!hasHaproxy || !hasEnvoy) return this.skip();
    shop = await startShop({
      shop: 'report',
      stock: 'report',
      pay: 'behind Envoy',
      warehouse: 'behind Envoy',
    });
  });
  beforeEach(() => void shop.seen.splice(0));
  after(async () => {
    await Promise.all([stopHaproxies(), stopEnvoys()]);
    await Promise.all([closeServers(), stopIssuers()]);
    removeScratch();
  });
  const reached = () => shop.seen.map(({ service }) => service);

  it('sends a tree through both', async () => {
    const token = await shop.root('order browse');
    expect(await shop.call('shop', '/orders', { method: 'POST', token })).to.equal(200);
    expect(reached()).to.have.members(['shop', 'stock', 'pay', 'warehouse']);
    for (const { headers } of shop.seen) expect(headers).to.include({ 'x-waybill-sub': 'web' });
  });

  it('lets a client without a token in as far as HAProxy reports, and Envoy refuses', async () => {
    expect(await shop.call('shop', '/orders', { method: 'POST' })).to.equal(502);
    expect(reached()).to.have.members(['shop', 'stock']);
  });
});

describe(`a host of which only some paths are a callee’s, behind HAProxy in report mode${needsHaproxy}`, () => {
  before(function () {
    if (!hasHaproxy) this.skip();
  });
  after(async () => {
    await stopHaproxies();
    await closeServers();
    removeScratch();
  });

  it('sends calls of the others on without a token, and reports them', async () => {
    const issuer = await startScriptedIssuer();
    const key = createPublicKey({ key: issuer.signer.publicJwk as JsonWebKey, format: 'jwk' });
    const pem = scratchFile('issuer.pem', key.export({ type: 'spki', format: 'pem' }).toString());
    const address = { host: '127.0.0.1', port: await startEcho() };
    const [inbound, outbound] = [await freePort(), await freePort()];
    const graph = `waybill: 1
issuer: { url: '${issuer.url}' }
defaults: { headers: { profile: haproxy }, audience: 'http://{name}.example', caller: none }
clients: { web: { auth: { method: client_secret_basic, secret_env: WEB }, calls: { shop: [buy] } } }
services:
  shop: { scopes: { buy: { calls: { stock: [take], pay: [charge] } } } }
  stock: { audience: 'http://api.example/stock', scopes: { take: } }
  pay: { audience: 'http://api.example/pay', scopes: { charge: } }
`;
    const { services } = haproxyConfig(planOf(graph), {
      ...{ only: ['shop'], application: address, keyFiles: [pem], mode: 'report' },
      inbound: { host: '127.0.0.1', port: inbound },
      outbound: { host: '127.0.0.1', port: outbound },
      addresses: new Map(['stock', 'pay'].map((name) => [name, address])),
    });
    const proxy = await startHaproxy(services.get('shop')!, [inbound, outbound]);
    const now = Math.floor(Date.now() / 1000);
    const claims = { aud: 'http://shop.example', scope: 'buy', iat: now, exp: now + 300 };
    const child = await issuer.token(claims);
    const token = await issuer.token({ ...claims, embedded: { stock: child, pay: child } });
    const sent = async (url: string) => {
      const headers = { host: 'api.example', authorization: `Bearer ${token}` };
      const { arrived } = await ask(outbound, { method: 'GET', url, headers });
      return arrived ? arrived.headers['authorization'] : 'refused';
    };
    expect(await sent('/pay/1')).to.deep.equal([`Bearer ${child}`]);
    expect(await sent('/health')).to.equal(undefined);
    expect(await sent('/paymaster')).to.equal(undefined);
    await eventually(10, () => proxy.output().split('\n').length > 2);
    const lines = proxy.output().trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as Line).error)).to.deep.equal([
      'child_missing',
      'child_missing',
    ]);
  });
});

describe('export to HAProxy in report mode', () => {
  const plan = planOf(`${HEAD}${client('{ shop: [buy] }')}services:
  shop: { scopes: { buy: { operations: [POST /buy], calls: { a.b: [take] } } } }
  a.b: { audience: 'http://stock.example', caller: none, scopes: { take: } }
`);
  it('is said at the top of the file, and as notes', () => {
    const { services, notes } = haproxyConfig(plan, { mode: 'report' });
    const [, first] = services.get('shop')!.split('\n');
    expect(first).to.match(/^# report-mode: Report mode: nothing is refused before the services\./);
    expect(notes.filter(({ code }) => code === 'report-mode')).to.have.length(2);
    expect(haproxyConfig(plan).notes.map(({ code }) => code)).not.to.include('report-mode');
  });

  it('routes a callee whose token HAProxy cannot find, and says that it gets none', () => {
    const { services, notes } = haproxyConfig(plan, { mode: 'report' });
    expect(services.get('shop')).to.include('backend waybill-callee-a.b');
    const said = notes.find(({ code }) => code === 'name-unsupported')?.message;
    expect(said).to.include('go out without a token');
  });
});
