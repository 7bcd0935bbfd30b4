/**
 * A real issuer, a real HAProxy before and behind each service with the exported configuration, and services that know
 * nothing of Waybill.
 */
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { request, type IncomingHttpHeaders } from 'node:http';
import { expect } from 'chai';
import { haproxyConfig } from '../../../../src/architect/export/index.ts';
import { removeScratch, scratchFile } from '../../../support/files.ts';
import { hasHaproxy, needsHaproxy, startHaproxy, stopHaproxies } from '../../../support/haproxy.ts';
import { closeServers, freePort, listen } from '../../../support/http.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../../support/issuer/start.ts';
import { tokenAt } from '../../../support/issuer/trees.ts';

const graph = (url: string): string => `
waybill: 1
name: shop
issuer: { url: '${url}' }
defaults:
  audience: http://{name}.shop.example
  identity: spiffe://shop.example/{name}
  headers: { max_total: 128KiB }
  caller: none
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB }, calls: { shop: [browse, order] } }
services:
  shop:
    scopes:
      browse: { operations: ['GET /items/{id}'], calls: { stock: [look] } }
      order: { operations: [POST /orders, GET /items/new], calls: { stock: [look, reserve], pay: [charge] } }
  stock:
    scopes:
      look: { operations: ['GET /stock/:id'] }
      reserve: { operations: [POST /reserve], calls: { warehouse: [pick] } }
  warehouse: { scopes: { pick: { operations: [POST /pick] } } }
  pay: { scopes: { charge: { operations: [POST /charge] } } }
`;

const SERVICES = ['shop', 'stock', 'warehouse', 'pay'] as const;
type ServiceName = (typeof SERVICES)[number];

const CALLS: Readonly<Record<string, readonly string[]>> = {
  'shop POST /orders': ['http://stock.shop.example/reserve', 'http://pay.shop.example/charge'],
  'stock POST /reserve': ['http://warehouse.shop.example/pick'],
};

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly token?: string | undefined;
}

describe(`a shop behind HAProxy${needsHaproxy}`, function () {
  this.timeout(120_000);
  let issuer: TestIssuer;
  let root: string;
  const ports = new Map<ServiceName, { readonly inbound: number; readonly outbound: number }>();
  const seen: { readonly service: ServiceName; readonly headers: IncomingHttpHeaders }[] = [];

  before(async function () {
    if (!hasHaproxy) return this.skip();
    issuer = await startIssuer(graph);
    const { keys } = (await (await fetch(`${issuer.url}/jwks`)).json()) as { keys: JsonWebKey[] };
    const keyFiles = keys.map((key) =>
      scratchFile(
        'issuer.pem',
        createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString(),
      ),
    );
    for (const name of SERVICES) ports.set(name, { inbound: await freePort(), outbound: await freePort() });
    const addresses = new Map(
      Array.from(ports, ([name, { inbound }]) => [name, { host: '127.0.0.1', port: inbound }]),
    );
    for (const name of SERVICES) {
      const application = await listen((received, response) => {
        seen.push({ service: name, headers: received.headers });
        const calls = CALLS[`${name} ${received.method} ${received.url}`] ?? [];
        const token = received.headers.authorization?.slice('Bearer '.length);
        void Promise.all(calls.map((url) => callOut(name, url, { method: 'POST', token }))).then((answers) =>
          response.writeHead(answers.every((status) => status === 200) ? 200 : 502).end(),
        );
      });
      const { inbound, outbound } = ports.get(name)!;
      const { services } = haproxyConfig(issuer.plan, {
        only: [name],
        inbound: { host: '127.0.0.1', port: inbound },
        outbound: { host: '127.0.0.1', port: outbound },
        application: { host: '127.0.0.1', port: Number(new URL(application).port) },
        addresses,
        keyFiles,
      });
      const text = services.get(name)!;
      await startHaproxy(text, text.includes('waybill-outbound') ? [inbound, outbound] : [inbound]);
    }
    const scope = 'order browse';
    const { body } = await issuer.token({ grant_type: 'client_credentials', scope }, { as: 'web' });
    root = body['access_token']!;
  });
  beforeEach(() => void seen.splice(0));
  after(async () => {
    await stopHaproxies();
    await Promise.all([closeServers(), stopIssuers()]);
    removeScratch();
  });

  const send = async (
    port: number,
    path: string,
    { method = 'GET', token, headers }: Sent,
  ): Promise<number> =>
    new Promise((resolve, reject) => {
      const own = token === undefined ? {} : { authorization: `Bearer ${token}` };
      request({ host: '127.0.0.1', port, path, method, agent: false, headers: { ...own, ...headers } })
        .on('response', (answer) => answer.resume().on('end', () => resolve(answer.statusCode ?? 0)))
        .on('error', reject)
        .end();
    });
  const call = async (service: ServiceName, path: string, sent: Sent = {}): Promise<number> =>
    send(ports.get(service)!.inbound, path, sent);
  const callOut = async (service: ServiceName, url: string, sent: Sent): Promise<number> =>
    send(ports.get(service)!.outbound, url, {
      ...sent,
      headers: { host: new URL(url).host, ...sent.headers },
    });
  const child = (...path: string[]) => tokenAt(root, ...path).compact;

  it('sends each service of a tree its own token', async () => {
    expect(await call('shop', '/orders', { method: 'POST', token: root })).to.equal(200);
    const tokens = Object.fromEntries(seen.map(({ service, headers }) => [service, headers.authorization]));
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
    const told = Object.entries(seen.find(({ service }) => service === 'stock')!.headers)
      .filter(([name]) => /waybill/.test(name))
      .map(([name, value]) => (name === 'x-waybill-txn' ? name : `${name}: ${String(value)}`));
    expect(told).to.have.members([
      'x-waybill-sub: web',
      'x-waybill-scope: look reserve',
      'x-waybill-act: spiffe://shop.example/shop',
      'x-waybill-txn',
    ]);
    const atShop = Object.keys(seen.find(({ service }) => service === 'shop')!.headers);
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
      expect(seen).to.deep.equal([]);
    });
  }

  it('lets a narrow scope use its own operations alone, in whatever spelling', async () => {
    const { body } = await issuer.token({ grant_type: 'client_credentials', scope: 'browse' }, { as: 'web' });
    const token = body['access_token']!;
    expect(await call('shop', '/items/1', { token })).to.equal(200);
    for (const path of ['/items/new', '/items/NEW', '/items/%6eew', '/items/new;a=b', '/items/new/'])
      expect(await call('shop', path, { token }), path).to.equal(403);
    expect(await call('shop', '/items/new', { token: root })).to.equal(200);
  });
});
