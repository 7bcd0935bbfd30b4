/** What HAProxy does with the exported configuration, before each service of a shop and behind it. */
import { expect } from 'chai';
import { removeScratch } from '../../../support/files.ts';
import { hasHaproxy, needsHaproxy, stopHaproxies } from '../../../support/haproxy.ts';
import { closeServers } from '../../../support/http.ts';
import { stopIssuers } from '../../../support/issuer/start.ts';
import { tokenAt } from '../../../support/issuer/trees.ts';
import { startShop, type Shop } from './shop.ts';

describe(`a shop behind HAProxy${needsHaproxy}`, function () {
  this.timeout(120_000);
  let shop: Shop;
  let root: string;

  before(async function () {
    if (!hasHaproxy) return this.skip();
    shop = await startShop();
    root = await shop.root('order browse');
  });
  beforeEach(() => void shop.seen.splice(0));
  after(async () => {
    await stopHaproxies();
    await Promise.all([closeServers(), stopIssuers()]);
    removeScratch();
  });

  const call: Shop['call'] = (...args) => shop.call(...args);
  const callOut: Shop['callOut'] = (...args) => shop.callOut(...args);
  const child = (...path: string[]) => tokenAt(root, ...path).compact;

  it('sends each service of a tree its own token', async () => {
    expect(await call('shop', '/orders', { method: 'POST', token: root })).to.equal(200);
    const tokens = Object.fromEntries(
      shop.seen.map(({ service, headers }) => [service, headers.authorization]),
    );
    expect(tokens).to.deep.equal({
      shop: `Bearer ${root}`,
      stock: `Bearer ${child('stock')}`,
      warehouse: `Bearer ${child('stock', 'warehouse')}`,
      pay: `Bearer ${child('pay')}`,
    });
  });

  it('tells the service of its token in headers that nobody else can set', async () => {
    const forged = { 'X-Waybill-Sub': 'admin', x_waybill_act: 'admin', 'x-waybill-claims': 'e30' };
    expect(await call('shop', '/orders', { method: 'POST', token: root, headers: forged })).to.equal(200);
    const told = Object.entries(shop.seen.find(({ service }) => service === 'stock')!.headers)
      .filter(([name]) => /waybill/.test(name))
      .map(([name, value]) => (name === 'x-waybill-txn' ? name : `${name}: ${String(value)}`));
    expect(told).to.have.members([
      'x-waybill-sub: web',
      'x-waybill-scope: look reserve',
      'x-waybill-act: spiffe://shop.example/shop',
      'x-waybill-txn',
    ]);
    const atShop = Object.keys(shop.seen.find(({ service }) => service === 'shop')!.headers);
    expect(atShop.filter((name) => /waybill/.test(name))).to.have.members([
      'x-waybill-sub',
      'x-waybill-scope',
      'x-waybill-txn',
    ]);
  });

  const tampered = (): string => `${root.slice(0, -2)}${root.at(-2) === 'A' ? 'B' : 'A'}${root.at(-1)}`;
  const refused: readonly (readonly [string, number, () => Promise<number>])[] = [
    ['no token', 401, async () => call('shop', '/orders', { method: 'POST' })],
    ['a tampered token', 401, async () => call('shop', '/orders', { method: 'POST', token: tampered() })],
    ['a token in the query', 401, async () => call('shop', `/items/1?access_token=${root}`)],
    [
      'two authorization headers',
      401,
      async () =>
        call('shop', '/items/1', {
          headers: { authorization: [`Bearer ${root}`, `Bearer ${child('pay')}`] },
        }),
    ],
    ['a root at a callee', 401, async () => call('pay', '/charge', { method: 'POST', token: root })],
    ['the token of another service', 401, async () => call('stock', '/reserve', { token: child('pay') })],
    ['a path of another scope', 403, async () => call('stock', '/pick', { token: child('stock') })],
    ['another method', 403, async () => call('stock', '/reserve', { token: child('stock') })],
    ['an encoded slash', 400, async () => call('shop', '/items/a%2fb', { token: root })],
    ['dot segments', 400, async () => call('shop', '/items/../items/1', { token: root })],
    ['two slashes', 400, async () => call('shop', '//items/1', { token: root })],
    [
      'a host that is no callee',
      403,
      async () => callOut('stock', 'http://pay.shop.example/charge', { token: child('stock') }),
    ],
    [
      'a token without a child for the callee',
      403,
      async () => callOut('shop', 'http://warehouse.shop.example/pick', { token: root }),
    ],
  ];
  for (const [what, status, attempt] of refused) {
    it(`refuses ${what}`, async () => {
      expect(await attempt()).to.equal(status);
      expect(shop.seen).to.deep.equal([]);
    });
  }

  it('lets a narrow scope use its own operations alone, in whatever spelling', async () => {
    const token = await shop.root('browse');
    expect(await call('shop', '/items/1', { token })).to.equal(200);
    for (const path of ['/items/new', '/items/NEW', '/items/%6eew', '/items/new;a=b', '/items/new/'])
      expect(await call('shop', path, { token }), path).to.equal(403);
    expect(await call('shop', '/items/new', { token: root })).to.equal(200);
  });
});
