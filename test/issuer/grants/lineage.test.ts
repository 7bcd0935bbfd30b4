/** The chain of actors in tokens, as the issuer writes it: rules L1 to L6. */
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { clientOf, exchange, issuerFor } from '../../support/issuer/issue.ts';
import { failure } from '../../support/failure.ts';
import { planOf } from '../../support/compile.ts';
import type { Payload } from '../../support/issuer/trees.ts';

const AUTH = 'auth: { method: client_secret_basic, secret_env: S }';

function shop({ issuer = 'lineage: full', bank = '' } = {}): string {
  return `
waybill: 1
name: shop
issuer: { url: 'http://127.0.0.1:8080', ${issuer} }
defaults: { headers: { profile: go }, zone: mesh }
zones: { mesh: { }, partner: { external: true } }
clients:
  web: { ${AUTH}, zone: mesh, calls: { edge: [order] } }
services:
  edge: { identity: 'spiffe://shop/edge', scopes: { order: { calls: { orders: [place] } } } }
  orders:
    ${AUTH}
    scopes: { place: { calls: { payment: [charge], ledger: { scopes: [write], mode: exchange }, bank: [pay] } } }
  payment: { caller: mtls, scopes: { charge: } }
  ledger: { ${AUTH}, caller: mtls, scopes: { write: { calls: { archive: { scopes: [keep], mode: exchange } } } } }
  archive: { caller: mtls, scopes: { keep: } }
  bank: { zone: partner, ${bank} scopes: { pay: { calls: { clearing: [settle] } } } }
  clearing: { scopes: { settle: } }
`;
}

/** Finds a token by the names from the root down. */
function at(token: string, ...path: readonly string[]): string {
  return path.reduce((compact, name) => decodeJwt<Payload>(compact).embedded?.[name] ?? '', token);
}

function actOf(token: string): unknown {
  return decodeJwt<Payload>(token).act;
}

const EDGE = { sub: 'spiffe://shop/edge', act: { sub: 'web' } };

describe('the chain of actors in a token', () => {
  async function issued(graph: string) {
    const issuer = await issuerFor(planOf(graph));
    const { token } = await issuer.issue(clientOf(issuer.plan, 'web'), { scopes: ['order'] });
    return { issuer, token };
  }

  it("L1: nests the chain of the caller's token below the caller, member by member", async () => {
    const { token } = await issued(shop());
    const payload = Buffer.from(at(token, 'orders', 'payment').split('.')[1]!, 'base64url').toString();
    expect(payload).to.include(
      '"act":{"sub":"orders","act":{"sub":"spiffe://shop/edge","act":{"sub":"web"}}}',
    );
  });

  it('L2: leaves a root without actor, and names the client innermost in every child', async () => {
    const { token } = await issued(shop());
    expect(decodeJwt(token)).not.to.have.property('act');
    expect(actOf(at(token, 'orders'))).to.deep.equal(EDGE);
  });

  it('threat 23: names parties before anyone has called them: the chain is what the graph plans', async () => {
    const { token } = await issued(shop()); // nothing has been sent to edge or orders
    expect(actOf(at(token, 'orders', 'payment'))).to.deep.equal({ sub: 'orders', act: EDGE });
  });

  it('L3: threat 19: takes the chain of an exchanged token from the verified one, at every step', async () => {
    const { issuer, token } = await issued(shop());
    const orders = at(token, 'orders');
    const { token: ledger } = await exchange(issuer, 'orders', orders, { audiences: ['ledger'] });
    expect(actOf(ledger)).to.deep.equal({ sub: 'orders', act: EDGE });
    const { token: archive } = await exchange(issuer, 'ledger', ledger, { audiences: ['archive'] });
    expect(actOf(archive)).to.deep.equal({ sub: 'ledger', act: { sub: 'orders', act: EDGE } });
    const { token: payment } = await exchange(issuer, 'orders', orders, { audiences: ['payment'] });
    expect(actOf(payment)).to.deep.equal(actOf(at(orders, 'payment')));
  });

  it('L5: threat 26: is cut at an external zone, and begins anew below it', async () => {
    const { token } = await issued(shop());
    expect(actOf(at(token, 'orders', 'bank'))).to.deep.equal({ sub: 'orders' });
    expect(actOf(at(token, 'orders', 'bank', 'clearing'))).to.deep.equal({
      sub: 'bank',
      act: { sub: 'orders' },
    });
  });

  it('L5: goes on at an external zone whose service says `full`', async () => {
    const { token } = await issued(shop({ bank: 'lineage: full,' }));
    expect(actOf(at(token, 'orders', 'bank'))).to.deep.equal({ sub: 'orders', act: EDGE });
  });

  it('L5: is the caller alone by default, in exchanged tokens too', async () => {
    const { issuer, token } = await issued(shop({ issuer: '' }));
    const orders = at(token, 'orders');
    expect(actOf(orders)).to.deep.equal({ sub: 'spiffe://shop/edge' });
    const { token: ledger } = await exchange(issuer, 'orders', orders, { audiences: ['ledger'] });
    expect(actOf(ledger)).to.deep.equal({ sub: 'orders' });
  });

  for (const [depth, most] of [
    [4, 4],
    [64, 32],
  ] as const)
    it(`L6: threat 25: refuses an exchange whose chain would have over ${most} actors, with a depth of ${depth}`, async () => {
      const call = (callee: string) => `calls: { ${callee}: { scopes: [s], mode: exchange } }`;
      const graph = `
waybill: 1
name: ring
issuer: { url: 'http://127.0.0.1:8080', lineage: full, limits: { depth: ${depth} } }
defaults: { headers: { profile: go } }
clients: { web: { ${AUTH}, calls: { a: [s] } } }
services:
  a: { ${AUTH}, caller: mtls, scopes: { s: { ${call('b')} } } }
  b: { ${AUTH}, caller: mtls, scopes: { s: { ${call('a')} } } }
`;
      const issuer = await issuerFor(planOf(graph));
      let { token } = await issuer.issue(clientOf(issuer.plan, 'web'), { scopes: ['s'] });
      let [holder, callee] = ['a', 'b'];
      for (let actors = 2; actors <= most; actors += 1) {
        ({ token } = await exchange(issuer, holder, token, { audiences: [callee] }));
        [holder, callee] = [callee, holder];
      }
      const refused = await failure('invalid_target', async () =>
        exchange(issuer, holder, token, { audiences: [callee] }),
      );
      expect(refused.message).to.include(`more than ${most} parties`);
    });

  describe('with `through`', () => {
    /** @param support whether the way around support is still there. */
    const graph = (support: boolean, through = '') => `
waybill: 1
name: refunds
issuer: { url: 'http://127.0.0.1:8080', lineage: full }
defaults: { headers: { profile: go } }
clients: { web: { ${AUTH}, calls: { desk: [help]${support ? '' : ', orders: [undo]'} } } }
services:
  desk: { caller: mtls, scopes: { help: { calls: { orders: [undo] } } } }
  orders: { ${AUTH}, caller: mtls, scopes: { undo: { calls: { payment: { scopes: [refund, read], mode: exchange } } } } }
  payment: { caller: mtls, scopes: { refund: { ${through} }, read: {} } }
`;
    const fetchFrom = async (
      issuer: Awaited<ReturnType<typeof issuerFor>>,
      token: string,
      scopes: string[],
    ) => exchange(issuer, 'orders', token, { audiences: ['payment'], scopes });

    it('refuses the exchange of a token from before, whose chain has none of the parties', async () => {
      const before = await issuerFor(planOf(graph(false)));
      const { token: around } = await before.issue(clientOf(before.plan, 'web'), {
        scopes: ['undo'],
        resources: ['orders'],
      });
      const { token: over } = await before.issue(clientOf(before.plan, 'web'), { scopes: ['help'] });
      const now = await issuerFor(planOf(graph(true, 'through: [desk]')));
      const refused = await failure('invalid_target', async () => fetchFrom(now, around, ['refund']));
      expect(refused.message).to.include('refund').and.to.not.include('read');
      expect((await fetchFrom(now, around, ['read'])).scope).to.equal('read');
      expect((await fetchFrom(now, at(over, 'orders'), ['refund'])).scope).to.equal('refund');
    });

    it('counts the caller that fetches, and the client', async () => {
      for (const through of ['through: [orders]', 'through: [web]']) {
        const issuer = await issuerFor(planOf(graph(true, through)));
        const { token } = await issuer.issue(clientOf(issuer.plan, 'web'), { scopes: ['help'] });
        expect((await fetchFrom(issuer, at(token, 'orders'), ['refund'])).scope).to.equal('refund');
      }
    });
  });
});
