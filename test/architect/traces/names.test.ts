import { expect } from 'chai';
import fc from 'fast-check';

import { Names, legalName, scopeCandidates } from '../../../src/architect/traces/draft/names.ts';
import { matchScore } from '../../../src/architect/traces/match/operation-pattern.ts';
import { bounded, foldPath, operationName } from '../../../src/architect/traces/spans/operation.ts';

const named = (name: string, tags: Record<string, string> = {}) =>
  operationName(name, new Map(Object.entries(tags))).name;

describe('names of operations', () => {
  it('come from the route, the method or the span', () => {
    expect(named('GET', { 'http.request.method': 'GET', 'http.route': '/cart/:id' })).to.equal(
      'GET /cart/:id',
    );
    expect(named('get', { 'http.method': 'get', 'http.path': '/cart/17?x=1' })).to.equal('GET /cart/{id}');
    expect(named('POST /orders')).to.equal('POST /orders');
    expect(named('get', { 'http.method': 'GET', 'http.url': 'https://a.example/b#c' })).to.equal('GET /b');
    expect(named('shop.v1.Cart/GetCart')).to.equal('/shop.v1.Cart/GetCart');
    expect(named('grpc', { 'rpc.service': 'shop.Cart', 'rpc.method': 'GetCart' })).to.equal(
      '/shop.Cart/GetCart',
    );
    expect(named('reviews.shop.svc.cluster.local:9080/*')).to.equal('/*');
    expect(named('charge card')).to.equal('charge card');
  });

  it('fold ids and leave words alone', () => {
    expect(foldPath('/v1/orders/17/items/0e37df36-f698-11e6-8dd4-cb9ced3df976')).to.equal(
      '/v1/orders/{id}/items/{id2}',
    );
    expect(foldPath('/users/jane@example.org/oauth2/callback')).to.equal('/users/{id}/oauth2/callback');
    expect(foldPath('/product-recommendations/5b8efff798038103d269b633813fc60c')).to.equal(
      '/product-recommendations/{id}',
    );
  });

  it('become legal, unique names for any text', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (texts) => {
        const names = new Names();
        const given = new Set<string>();
        for (const text of new Set(texts)) {
          const name = names.give(text, [legalName(text, 'service')]);
          expect(name).to.match(/^(?!x-)[A-Za-z0-9][A-Za-z0-9._-]{0,139}$/);
          given.add(name);
          for (const scope of scopeCandidates(text))
            expect(scope).to.match(/^(?!x-)[\x21\x23-\x5b\x5d-\x7e]{1,128}$/);
          expect(bounded(text)).to.match(/^[^\p{Cc}\p{Cf}\p{Cs}]*$/u);
        }
        expect(given.size).to.equal(new Set(texts).size);
      }),
    );
  });

  it('become 128 characters at most, with their hash if they are longer, so that no two are one', () => {
    const long = 'shop-'.repeat(50);
    const given = [`${long}a`, `${long}b`].map((text) => legalName(text, 'service'));
    expect(new Set(given).size).to.equal(2);
    for (const name of given)
      expect(name)
        .to.match(/^shop-shop-.*-[0-9a-f]{8}$/)
        .and.have.lengthOf(128);
    const names = new Names();
    const numbered = ['1', '2'].map((text) => names.give(text, ['n'.repeat(128)]));
    expect(numbered[1]).to.equal(`${'n'.repeat(126)}-2`);
  });

  it('are not those that the graph language ignores', () => {
    const names = new Names();
    expect(['1', '2'].map((text) => names.give(text, ['x']))).to.deep.equal(['x', 'service-x-2']);
  });

  it('of a route for everything are one operation, and its scope says so', () => {
    for (const [name, tags] of [
      ['GET', { 'http.request.method': 'GET', 'http.route': '*' }],
      ['*', { 'http.request.method': 'GET' }],
      ['GET *', {}],
      ['GET /*', {}],
    ] as const)
      expect(named(name, tags)).to.equal('GET /*');
    expect(scopeCandidates('GET /*')[0]).to.equal('any:read');
  });

  it('give scopes readable names', () => {
    expect(scopeCandidates('GET /api/v1/cart/{id}')).to.deep.equal(['cart:read', 'api.v1.cart.id:read']);
    expect(scopeCandidates('POST /cart/checkout')[0]).to.equal('checkout:create');
    expect(scopeCandidates('/shop.CartService/GetCart')).to.deep.equal(['get-cart', 'cart:get-cart']);
    expect(scopeCandidates('GET /')[0]).to.equal('root:read');
    expect(scopeCandidates('__proto__')[0]).to.equal('proto');
  });

  for (const [declared, seen, agrees] of [
    ['GET /cart/{id}', 'GET /cart/{cartId}', true],
    ['GET /cart/{id}', 'GET /cart/17', true],
    ['GET /cart/{id}', 'GET /cart', false],
    ['GET /cart/new', 'GET /cart/{id}', false],
    ['GET /cart', 'POST /cart', false],
    ['ANY /hub/*', 'POST /hub/a/b', true],
    ['/images/*', 'GET /images', true],
    ['GET /catalogue*', 'GET /catalogues', true],
    ['/shop.Cart/GetCart', 'shop.Cart/GetCart', true],
    ['shop.Cart/GetCart', '/shop.Cart/AddItem', false],
    ['POST /a/b', '/a/*', true],
    ['send mail', 'send mails', false],
  ] as const) {
    it(`${declared} ${agrees ? 'is' : 'is not'} ${seen}`, () => {
      expect(matchScore(declared, seen) > 0).to.equal(agrees);
    });
  }

  it('score higher with fewer parameters', () => {
    expect(matchScore('GET /cart/new', 'GET /cart/new')).to.be.above(
      matchScore('GET /cart/{id}', 'GET /cart/new'),
    );
    expect(matchScore('GET /cart/{id}', 'GET /cart/new')).to.be.above(matchScore('GET /*', 'GET /cart/new'));
  });
});
