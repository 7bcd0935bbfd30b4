/** A sidecar that only reports what it would refuse. */
import { expect } from 'chai';

import { send } from '../support/http.ts';
import { openShop, type RunningSidecar, type Shop } from './shop.ts';

describe('A sidecar that only reports', () => {
  let shop: Shop;
  let token: string;
  let sidecar: RunningSidecar;

  before(async () => {
    shop = await openShop();
    token = await shop.root();
    sidecar = await shop.start({ mode: 'report', operations: { order: ['POST /orders'] } });
  });
  after(() => shop.close());

  const check = async (direction: string, host: string, authorization?: string) =>
    send(`${sidecar.url}/auth/${direction}`, {
      headers: {
        ...{ 'x-forwarded-host': host, 'x-forwarded-uri': '/orders', 'x-forwarded-method': 'POST' },
        ...(authorization === undefined ? {} : { authorization }),
      },
    });
  const last = () => sidecar.decisions.at(-1);

  it('lets a request without a good token pass, with no identity and its own Authorization', async () => {
    const none = await check('inbound', 'front');
    expect([none.status, none.headers.get('authorization')]).to.deep.equal([200, null]);
    expect(last()).to.include({ direction: 'inbound', code: 'token_missing', reported: true });
    const basic = await check('inbound', 'front', 'Basic eDp5');
    expect(basic.headers.get('authorization')).to.equal('Basic eDp5');
    expect(basic.headers.has('x-waybill-sub')).to.equal(false);
  });

  it('lets an operation pass that its scopes do not allow', async () => {
    const look = await shop.root('look');
    expect((await check('inbound', 'front', `Bearer ${look}`)).status).to.equal(200);
    expect(last()).to.include({ code: 'scope_insufficient', reported: true });
  });

  it('says who calls where the token is good', async () => {
    const { headers } = await check('inbound', 'front', `Bearer ${token}`);
    expect(headers.get('x-waybill-sub')).to.equal('web');
    expect(last()).to.include({ code: 'allowed' }).and.not.to.have.property('reported');
  });

  it('lets a call pass without a token where there is none for it, and never with the parent', async () => {
    const { status, headers } = await check('outbound', 'payment.example', `Bearer ${token}`);
    expect([status, headers.get('authorization')]).to.deep.equal([200, null]);
    expect(last()).to.include({ code: 'child_missing', reported: true, host: 'payment.example' });
  });

  it('refuses all the same what no token would mend', async () => {
    expect((await check('outbound', 'a@b', `Bearer ${token}`)).status).to.equal(400);
    expect(last()).to.include({ code: 'usage' }).and.not.to.have.property('reported');
  });

  it('counts what it reports', async () => {
    const text = await sidecar.sidecar.metrics.text();
    expect(text).to.contain('waybill_sidecar_reported_total{direction="outbound",code="child_missing"} 1\n');
    expect(text).to.contain('waybill_sidecar_decisions_total{direction="outbound",code="allowed"} 1\n');
  });
});
