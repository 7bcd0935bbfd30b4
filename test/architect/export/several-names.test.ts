/** Services with several audiences and identities in the languages of others. */
import { readFileSync } from 'node:fs';
import { loadPolicy } from '@open-policy-agent/opa-wasm';
import { expect } from 'chai';
import {
  envoyConfig,
  haproxyConfig,
  istioResources,
  opaBundle,
  sidecarConfigs,
} from '../../../src/architect/export/index.ts';
import { planOf } from '../../support/compile.ts';

const CART = ['spiffe://shop.test/ns/shop/sa/cart', 'spiffe://shop.test/ns/shop/sa/cart-canary'];
const STOCK = ['https://stock.shop.test', 'https://depot.shop.test/api'];
const plan = planOf(`
waybill: 1
name: shop
issuer: { url: 'https://tokens.shop.test' }
defaults: { audience: 'https://{name}.shop.test', headers: { profile: envoy }, caller: mtls }
clients:
  web: { auth: { method: client_secret_basic, secret_env: S }, calls: { cart: [buy] } }
services:
  cart:
    identity: [${CART.join(', ')}]
    scopes: { buy: { operations: [POST /buy], calls: { stock: [take], log: [write] } } }
  stock:
    identity: spiffe://shop.test/ns/shop/sa/stock
    audience: [${STOCK.join(', ')}]
    scopes: { take: { operations: [POST /take] } }
  log: { caller: none, scopes: { write: { operations: [POST /log] } } }
`);

/** Every object in a document that has this key. */
function withKey(value: unknown, key: string): Record<string, unknown>[] {
  if (typeof value !== 'object' || value === null) return [];
  const below = Object.values(value).flatMap((each) => withKey(each, key));
  return key in value ? [value as Record<string, unknown>, ...below] : below;
}

describe('an export of services with several names', () => {
  it('to Istio names all audiences, all principals, and all that `act` may name', () => {
    const { resources } = istioResources(plan);
    const rules = withKey(resources, 'jwtRules').flatMap(
      ({ jwtRules }) => jwtRules as { audiences: unknown }[],
    );
    expect(rules.map(({ audiences }) => audiences)).to.deep.include(STOCK);
    const sources = withKey(resources, 'principals').map(({ principals }) => principals);
    expect(sources).to.deep.include(CART.map((identity) => identity.slice('spiffe://'.length)));
    const named = withKey(resources, 'values').filter(({ key }) => key === 'request.auth.claims[act][sub]');
    expect(named.map(({ values }) => values)).to.deep.include(CART);
  });

  it('to Envoy names all audiences, and lets each identity present what names any of them', () => {
    const { services } = envoyConfig(plan, { gateways: ['spiffe://shop.test/gateway'] });
    const stock = JSON.stringify(services.get('stock'));
    expect(stock).to.include(`"audiences":${JSON.stringify(STOCK)}`);
    for (const identity of CART) expect(stock).to.include(`{"principal_name":{"exact":"${identity}"}}`);
    const cart = JSON.stringify(services.get('cart'));
    for (const host of ['stock.shop.test', 'depot.shop.test']) expect(cart).to.include(`"${host}"`);
    expect(cart).to.include('"path_separated_prefix":"/api"');
  });

  it('to HAProxy compares `act` with each identity, and denies what it cannot read', () => {
    const { services, notes } = haproxyConfig(plan);
    expect(services.get('log')).to.include(`var(txn.act) -m str '${CART.join("' '")}'`);
    expect(
      notes.filter(({ code }) => code === 'several-audiences').map(({ service }) => service),
    ).to.deep.equal(['stock']);
  });

  it('to the sidecar lists audiences, and the identities behind a host', () => {
    const { services } = sidecarConfigs(plan);
    expect(services.get('stock')).to.deep.include({ audience: STOCK });
    expect(services.get('cart')).to.include({ audience: 'https://cart.shop.test' });
  });

  it('to OPA accepts any audience, and any identity that the token names', async () => {
    const policy = await loadPolicy(readFileSync(new URL('opa/policy.wasm', import.meta.url)));
    const data = JSON.parse(opaBundle(plan).files.get('data.json')!) as object;
    policy.setData(data);
    const allows = (claims: object, presenter: string) => {
      const asked = { service: 'stock', method: 'POST', path: '/take', presenter };
      const all = { scope: 'take', client_id: 'web', ...claims };
      return (policy.evaluate({ ...asked, claims: all }) as { result: boolean }[])[0]?.result ?? false;
    };
    const [cart = '', canary = ''] = CART;
    const act = { sub: cart, also: [canary] };
    for (const aud of [STOCK, STOCK[0], STOCK[1]]) {
      expect(allows({ aud, act }, cart)).to.equal(true);
      expect(allows({ aud, act }, canary)).to.equal(true);
    }
    expect(allows({ aud: 'https://log.shop.test', act }, cart)).to.equal(false);
    expect(allows({ aud: STOCK, act: { sub: cart } }, canary)).to.equal(false);
    expect(allows({ aud: STOCK, act }, 'spiffe://shop.test/ns/shop/sa/stock')).to.equal(false);
    expect(allows({ aud: STOCK, act: { sub: 'x', also: [cart] } }, cart)).to.equal(false);
  });
});
