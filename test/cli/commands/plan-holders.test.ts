import { fileURLToPath } from 'node:url';

import { expect } from 'chai';

import type { Reached } from '../../../src/planning/access/index.ts';
import type { CallView, RequestAccess, RequestRow } from '../../../src/planning/index.ts';
import { run } from '../../support/program.ts';

const graphs = fileURLToPath(new URL('../../../graphs/', import.meta.url));
const demo = `${graphs}demo`;
const boutique = `${graphs}online-boutique.yaml`;

async function json<Result>(...args: string[]): Promise<Result> {
  const { code, stdout, stderr } = await run([...args, '--json']);
  expect([code, stderr]).to.deep.equal([0, '']);
  return JSON.parse(stdout) as Result;
}

describe('waybill plan --holders', () => {
  it('shows who can read each token and claim, and who can use each token', async () => {
    const holders = await json<RequestAccess>(
      ...['plan', demo, '--client', 'storefront', '--scope', 'checkout', '--holders'],
    );
    const email = holders.claims.find(({ claim }) => claim === 'email');
    // The storefront's token is opaque: the gateway reads in its place.
    expect(email?.readers.map(({ party }) => party)).to.deep.equal([
      'gateway',
      'frontend',
      'checkoutservice',
      'emailservice',
    ]);
    const charge = holders.tokens.find(({ service }) => service === 'paymentservice');
    expect(charge).to.deep.include({ presenter: 'checkoutservice', mode: 'embed', caller: 'mtls' });
    expect(charge?.spenders).to.deep.equal([{ party: 'checkoutservice', why: ['presenter'], own: true }]);
  });

  it('draws two matrices with a number for each party', async () => {
    const { code, stdout } = await run([
      'plan',
      demo,
      '--client',
      'storefront',
      '--scope',
      'checkout',
      '--holders',
    ]);
    expect(code).to.equal(0);
    expect(stdout).to.match(/\n {3}4 {2}checkoutservice +mesh\n/);
    expect(stdout).to.match(/\nemail +· {2}x {2}x {2}x {2}·/);
    expect(stdout).to.match(/\npaymentservice {2}charge +from checkoutservice +· {2}G {2}\^ {2}P /);
    expect(stdout).to.contain('No party can use a token that another one passes on.');
  });
});

describe('waybill plan --all', () => {
  it('plans each single scope of every client, with its tightest call', async () => {
    const rows = await json<RequestRow[]>('plan', boutique, '--all');
    expect(rows).to.have.lengthOf(17);
    const checkout = rows.find(({ client, scope }) => client === 'storefront' && scope === 'checkout');
    expect(checkout).to.deep.include({ entry: 'frontend', tokens: 12, fits: true });
    const one = await json<{ root: CallView }>(
      ...['plan', boutique, '--client', 'storefront', '--scope', 'checkout'],
    );
    const shares = (view: CallView): number[] => [
      ...(view.bytes && view.budget?.limit ? [view.bytes.nested / view.budget.limit] : []),
      ...view.calls.flatMap(shares),
    ];
    const { bytes = 0, limit = 0 } = checkout?.worst ?? {};
    expect(bytes / limit).to.equal(Math.max(...shares(one.root)));
  });

  it('of one client, and of none that the graph lacks', async () => {
    const rows = await json<RequestRow[]>('plan', boutique, '--all', '--client', 'loadgenerator');
    expect(new Set(rows.map(({ client }) => client))).to.deep.equal(new Set(['loadgenerator']));
    expect((await run(['plan', boutique, '--all', '--client', 'loadgen'])).code).to.equal(2);
    expect((await run(['plan', boutique, '--all', '--scope', 'home'])).code).to.equal(2);
  });
});

describe('waybill plan', () => {
  it('says which of the caller’s scopes brought each scope of a merged token', async () => {
    const args = ['plan', boutique, '--client', 'storefront', '--scope', 'home cart'];
    const { root } = await json<{ root: CallView }>(...args);
    const currency = root.calls.find(({ service }) => service === 'currencyservice');
    expect(currency?.origins).to.deep.include({ scope: 'convert', by: ['home', 'cart'] });
    const catalog = root.calls.find(({ service }) => service === 'productcatalogservice');
    expect(catalog?.origins).to.deep.equal([
      { scope: 'products:list', by: ['home'] },
      { scope: 'product:read', by: ['cart'] },
    ]);
    const { stdout } = await run(args);
    expect(stdout).to.contain('products:list(home) product:read(cart)');
  });
});

describe('waybill why', () => {
  it('names each client, and each call by its file and line', async () => {
    const { clients } = await json<Reached>('why', demo, 'paymentservice:charge');
    expect(clients.map(({ client, count }) => [client, count])).to.deep.equal([['storefront', 1]]);
    const [way = []] = clients[0]?.ways ?? [];
    expect(way.map(({ caller, callee }) => `${caller} → ${callee}`)).to.deep.equal([
      'storefront → frontend:checkout',
      'frontend:checkout → checkoutservice:order:place',
      'checkoutservice:order:place → paymentservice:charge',
    ]);
    expect(way.map(({ file }) => file.slice(demo.length))).to.deep.equal([
      '/shop.yaml',
      '/team-web.yaml',
      '/team-orders.yaml',
    ]);
    const { stdout } = await run(['why', demo, 'paymentservice:charge']);
    expect(stdout).to.match(/→ paymentservice:charge +\S+team-orders\.yaml:19\n/);
  });

  it('shows at most --most paths, and counts all', async () => {
    const { code, stdout } = await run([
      'why',
      boutique,
      'productcatalogservice:product:read',
      '--most',
      '2',
    ]);
    expect(code).to.equal(0);
    expect(stdout)
      .to.match(/storefront {2}6 paths\n/)
      .and.to.contain('\n  4 more.');
  });

  it('follows a claim, and is wrong use without a scope or a claim', async () => {
    const { targets } = await json<Reached>('why', demo, '--claim', 'email');
    expect(targets).to.deep.equal(['emailservice:confirm']);
    expect((await run(['why', demo])).code).to.equal(2);
    expect((await run(['why', demo, 'paymentservice:chagre'])).code).to.equal(2);
  });
});
