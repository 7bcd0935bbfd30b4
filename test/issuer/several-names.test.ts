/** Services with several audiences, as while a host name changes, and with several identities, as a canary. */
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { planRequest } from '../../src/planning/index.ts';
import { pack, unpack } from '../../src/token/index.ts';
import { failure } from '../support/failure.ts';
import { clientOf, exchange, issuerFor, serviceOf } from '../support/issuer/issue.ts';
import { measured } from '../support/issuer/measured.ts';
import { tokenAt, tokensOf, type Payload } from '../support/issuer/trees.ts';
import { planOf } from '../support/compile.ts';

const AUTH = 'auth: { method: client_secret_basic, secret_env: S }';
const CART = ['spiffe://shop.test/cart', 'spiffe://shop.test/cart-canary'];
const STOCK = ['https://stock.shop.test', 'https://depot.shop.test/api'];

const graph = ({ issuer = '', cart = CART, stock = STOCK } = {}) => `
waybill: 1
name: migration
issuer: { url: 'http://127.0.0.1:8080'${issuer} }
defaults: { audience: 'https://{name}.shop.test', identity: 'spiffe://shop.test/{name}', headers: { profile: go }, caller: mtls }
clients:
  web: { ${AUTH}, calls: { cart: [buy] } }
  desk: { ${AUTH}, calls: { stock: [take] } }
  guest: { ${AUTH}, token: opaque, calls: { stock: [take] } }
services:
  cart:
    ${AUTH}
    identity: [${cart.join(', ')}]
    scopes: { buy: { calls: { stock: [take], events: { scopes: [write], mode: exchange }, mail: [send] } } }
  stock:
    ${AUTH}
    audience: [${stock.join(', ')}]
    scopes: { take: { calls: { mail: [send] } } }
  events: { audience: ['https://events.shop.test', 'urn:events'], scopes: { write: { through: [cart] } } }
  mail: { scopes: { send: } }
`;
const plan = planOf(graph());
const ACT = { sub: CART[0], also: [CART[1]] };

describe('a service with several audiences or identities', () => {
  async function buy(given = plan) {
    const issuer = await issuerFor(given);
    const { token } = await issuer.issue(clientOf(given, 'web'), { scopes: ['buy'] });
    return { issuer, token };
  }

  it('has all audiences in `aud`, the primary one first, and one as a text', async () => {
    const { token } = await buy();
    expect(tokenAt(token, 'stock').payload.aud).to.deep.equal(STOCK);
    expect(tokenAt(token, 'mail').payload.aud).to.equal('https://mail.shop.test');
    expect(decodeJwt<Payload>(token).on_demand).to.deep.equal({
      events: ['https://events.shop.test', 'urn:events'],
    });
  });

  it('has its other identities in `act.also`, and only where it has any', async () => {
    const { token } = await buy();
    const payload = Buffer.from(tokenAt(token, 'mail').compact.split('.')[1]!, 'base64url').toString();
    expect(payload).to.include(`"act":{"sub":"${ACT.sub}","also":["${CART[1]}"]}`);
    expect(tokenAt(token, 'stock', 'mail').payload.act).to.deep.equal({ sub: 'spiffe://shop.test/stock' });
  });

  it('L1: keeps them in the chain of those below, between `sub` and `act`', async () => {
    const { token } = await buy(planOf(graph({ issuer: ', lineage: full' })));
    const { compact } = tokenAt(token, 'stock', 'mail');
    expect(Buffer.from(compact.split('.')[1]!, 'base64url').toString()).to.include(
      `"act":{"sub":"spiffe://shop.test/stock","act":{"sub":"${CART[0]}","also":["${CART[1]}"],"act":{"sub":"web"}}}`,
    );
  });

  it('L3: gets by exchange what it would have been given, whichever audience it names', async () => {
    for (const lineage of ['caller', 'full']) {
      const { issuer, token } = await buy(planOf(graph({ issuer: `, lineage: ${lineage}` })));
      const { jti: _, iat: _iat, exp: _exp, ...embedded } = tokenAt(token, 'stock').payload;
      for (const request of [
        { audiences: ['stock'] },
        ...STOCK.map((resource) => ({ resources: [resource] })),
      ]) {
        const fetched = tokenAt((await exchange(issuer, 'cart', token, request)).token).payload;
        const { aud, act, scope, sub } = fetched;
        expect({ aud, act, scope, sub }).to.deep.equal({
          aud: embedded.aud,
          act: embedded.act,
          scope: embedded.scope,
          sub: embedded.sub,
        });
      }
    }
  });

  it('exchanges a token whose first audience is any of its own', async () => {
    const { token } = await (await issuerFor(plan)).issue(clientOf(plan, 'desk'), { scopes: ['take'] });
    const swapped = planOf(graph({ stock: STOCK.toReversed() }));
    const issuer = await issuerFor(swapped);
    expect((await exchange(issuer, 'stock', token, { audiences: ['mail'] })).scope).to.equal('send');
    const other = await issuerFor(planOf(graph({ stock: ['https://new.shop.test'] })));
    await failure('invalid_request', () => exchange(other, 'stock', token, { audiences: ['mail'] }));
  });

  it('is in the chain that `through` asks for, also by an identity that was the first before', async () => {
    const { token } = await buy();
    const issuer = await issuerFor(planOf(graph({ cart: CART.toReversed() })));
    expect((await exchange(issuer, 'cart', token, { audiences: ['events'] })).scope).to.equal('write');
  });

  it('is an entry under each of its audiences', async () => {
    const issuer = await issuerFor(plan);
    for (const resource of STOCK) {
      const request = { scopes: ['take'], resources: [resource] };
      expect((await issuer.issue(clientOf(plan, 'desk'), request)).scope).to.equal('take');
    }
    const request = { scopes: ['take'], resources: ['https://depot.shop.test'] };
    await failure('invalid_target', () => issuer.issue(clientOf(plan, 'desk'), request));
  });

  it('may introspect what is for any of its audiences', async () => {
    const issuer = await issuerFor(plan);
    const service = serviceOf(plan, 'stock');
    for (const client of ['desk', 'guest']) {
      const { token } = await issuer.issue(clientOf(plan, client), { scopes: ['take'] });
      const answer = await issuer.introspect({ kind: 'service', service }, { token });
      expect(answer, client).to.deep.include({ active: true });
    }
  });

  for (const lineage of ['caller', 'full'])
    it(`has tokens of exactly the planned size, nested and packed, with lineage ${lineage}`, async () => {
      const given = planOf(graph({ issuer: `, lineage: ${lineage}` }));
      const { token } = await buy(given);
      const sizes = measured(given, 'web', { scopes: ['buy'] });
      expect(tokensOf(token).map(({ compact }) => compact.length)).to.deep.equal(sizes);
      const packed = pack(token);
      expect(unpack(packed)).to.equal(token);
      const { root } = planRequest(given, 'web', { scopes: ['buy'] });
      expect(token.length).to.be.at.most(root.bytes!.nested);
      expect(packed.length).to.be.at.most(root.bytes!.packed);
    });
});
