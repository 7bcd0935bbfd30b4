import { expect } from 'chai';

import { extractor, isWaybillError, type ExtractorOptions } from '../../../src/middleware/index.ts';
import { secretOf } from '../../support/issuer/issue.ts';
import { SHOP, startShop, type TestShop } from '../../support/issuer/opaque.ts';
import { stopIssuers } from '../../support/issuer/start.ts';
import { isIntrospection } from '../services.ts';

describe('The extractor with revocation: introspect', () => {
  let shop: TestShop;
  let now: number;
  let asked: number;

  before(async () => {
    now = Math.floor(Date.now() / 1000);
    shop = await startShop({ clock: () => now });
  });
  beforeEach(() => (asked = 0));
  after(stopIssuers);

  const make = (options: Partial<ExtractorOptions> = {}) =>
    extractor({
      issuer: shop.url,
      audience: SHOP,
      caller: 'none',
      revocation: 'introspect',
      credentials: { clientId: 'shop', secret: secretOf('shop') },
      clock: () => now,
      fetch: async (input, init) => {
        if (isIntrospection(input)) asked += 1;
        return fetch(input, init);
      },
      ...options,
    });
  const outcome = async (waybill: ReturnType<typeof make>, token: string) =>
    waybill.authenticate({ authorization: `Bearer ${token}` }).then(
      () => 'accepted',
      (error: unknown) => (isWaybillError(error) ? error.code : String(error)),
    );

  it('asks once for many requests, and refuses a revoked token after some seconds, though it is cached', async () => {
    const waybill = make();
    const token = await shop.token('app');
    await Promise.all(Array.from({ length: 20 }, async () => outcome(waybill, token)));
    expect([await outcome(waybill, token), asked]).to.deep.equal(['accepted', 1]);
    await shop.post('/revoke', 'app', { token });
    now += 5;
    expect([await outcome(waybill, token), asked]).to.deep.equal(['token_inactive', 2]);
    expect(await outcome(make({ revocation: 'none' }), token), 'who does not ask').to.equal('accepted');
  });

  it('asks for each request with revocationMaxAge 0', async () => {
    const waybill = make({ revocationMaxAge: 0 });
    const token = await shop.token('app');
    expect(await outcome(waybill, token)).to.equal('accepted');
    await shop.post('/revoke', 'app', { token });
    expect(await outcome(waybill, token)).to.equal('token_inactive');
  });

  it('fails closed: no issuer, wrong credentials, an answer that says nothing', async () => {
    const token = await shop.token('app');
    const away = 'http://127.0.0.1:9/introspect';
    expect(await outcome(make({ introspectionEndpoint: away }), token)).to.equal('issuer_unavailable');
    const credentials = { clientId: 'shop', secret: 'guess' };
    expect(await outcome(make({ credentials }), token)).to.equal('introspection_refused');
    for (const text of ['{}', '{"active":"true"}', 'true', '', 'null']) {
      const silent = make({
        fetch: async (input, init) => (isIntrospection(input) ? new Response(text) : fetch(input, init)),
      });
      expect(await outcome(silent, token), text).to.equal('issuer_unavailable');
    }
    expect(await outcome(make(), token), 'and does not keep a failure').to.equal('accepted');
    const marked = (text: string) =>
      make({
        fetch: async (input, init) =>
          isIntrospection(input) ? new Response(Buffer.from(`\ufeff${text}`)) : fetch(input, init),
      });
    expect(await outcome(marked('{"active":true}'), token)).to.equal('accepted');
    expect(await outcome(marked('{"active":false}'), token)).to.equal('token_inactive');
  });

  it('needs credentials', () => {
    expect(() => make({ credentials: undefined })).to.throw('credentials');
    expect(() => make({ revocation: 'sometimes' as never })).to.throw('revocation');
  });
});
