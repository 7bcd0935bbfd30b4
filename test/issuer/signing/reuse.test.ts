/** Trees that are handed out again: to whom, for how long, and when not. */
import { expect } from 'chai';

import { WaybillError } from '../../../src/errors.ts';
import { sharedStateNeeds, type IssuedTree, type Issuer } from '../../../src/issuer/index.ts';
import { ReusableTrees, type ReuseBounds } from '../../../src/issuer/signing/reuse.ts';
import { revocationsIn } from '../../../src/issuer/token-lifecycle/revocations.ts';
import { RequestResolver } from '../../../src/issuer/grants/resolve.ts';
import { SenderConstraints } from '../../../src/issuer/grants/sender-constraint.ts';
import { Subjects } from '../../../src/issuer/grants/subjects.ts';
import { KeyWaits } from '../../../src/issuer/key-waits.ts';
import { TreePlans } from '../../../src/issuer/signing/tree-plan.ts';
import { generateKey, keyRing } from '../../../src/issuer/keys/index.ts';
import { memoryStore, type Store } from '../../../src/issuer/stores/index.ts';
import type { Confirmation, Encoding } from '../../../src/token/index.ts';
import { closeServers } from '../../support/http.ts';
import { clientOf, exchange, issuerFor, keysFor } from '../../support/issuer/issue.ts';
import { tokenAt, tokensOf } from '../../support/issuer/trees.ts';
import { startProvider, subjectOf, APP } from '../../support/provider/scripted.ts';
import { KIOSK, SHOP, reusing } from '../../support/graphs/reuse.ts';
import { planOf } from '../../support/compile.ts';
import { NOW } from '../../support/keys/signer.ts';

interface Asked {
  readonly client?: string;
  readonly scopes?: readonly string[];
  readonly resource?: string;
  readonly encoding?: Encoding;
  readonly cnf?: Confirmation;
}

describe('Reuse of issued trees', () => {
  const plan = planOf(reusing());
  let now: number;
  let store: Store;
  let issuer: Issuer;
  const clock = () => now;

  beforeEach(async () => {
    now = NOW;
    store = memoryStore({ clock });
    issuer = await issuerFor(plan, clock, { store });
  });
  after(closeServers);

  const ask = async (asked: Asked = {}, of = issuer): Promise<IssuedTree> => {
    const { client = 'web', scopes = ['look'], resource = SHOP, encoding, cnf } = asked;
    return of.issue(clientOf(of.plan, client), { scopes, resources: [resource], encoding, cnf });
  };
  const revoke = async (token: string, by = issuer): Promise<void> => {
    const txn = await by.revoke({ kind: 'client', client: clientOf(plan, 'web') }, token);
    expect(txn).to.be.a('string');
  };
  const expectNew = (tree: IssuedTree, ...others: readonly IssuedTree[]): void => {
    expect(tree.reused).to.equal(false);
    for (const other of others) expect(tree.txn).to.not.equal(other.txn);
  };

  it('returns the identical tree within the window, with the lifetime that is left, and a new one after it', async () => {
    const first = await ask();
    expect([first.reused, first.expiresIn]).to.deep.equal([false, 120]);
    for (const age of [0, 1, 29]) {
      now = NOW + age;
      const again = await ask();
      expect(again).to.deep.equal({ ...first, reused: true, expiresIn: 120 - age });
      expect(tokenAt(again.token).payload.exp).to.equal(now + again.expiresIn);
    }
    now = NOW + 30;
    const next = await ask();
    expectNew(next, first);
    expect(next.expiresIn).to.equal(120);
    now = NOW + 59;
    expect((await ask()).token).to.equal(next.token);
  });

  it('reuses a tree for at most a quarter of the lifetime of any token in it', async () => {
    const first = await ask({ scopes: ['buy'] });
    now = NOW + 9;
    expect((await ask({ scopes: ['buy'] })).token).to.equal(first.token);
    expect(tokenAt(first.token, 'payment').payload.exp).to.equal(NOW + 40);
    now = NOW + 10;
    expectNew(await ask({ scopes: ['buy'] }), first);
  });

  it('issues a new tree for every request without `reuse`', async () => {
    const fresh = await issuerFor(planOf(reusing({ reuse: '' })), clock, { store });
    expectNew(await ask({}, fresh), await ask({}, fresh), await ask());
  });

  it('reuses a tree for the same scopes in another order', async () => {
    const first = await ask({ scopes: ['look', 'buy'] });
    expect((await ask({ scopes: ['buy', 'look', 'buy'] })).token).to.equal(first.token);
  });

  it('issues another tree for another client, scope, entry, encoding, key or kind of key', async () => {
    const key = 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg';
    const requests: readonly Asked[] = [
      {},
      { client: 'app' },
      { scopes: ['buy'] },
      { scopes: ['look', 'buy'] },
      { resource: KIOSK },
      { encoding: 'packed' },
      { cnf: { jkt: key } },
      { cnf: { jkt: `${key.slice(0, -1)}k` } },
      { cnf: { 'x5t#S256': key } },
      { cnf: { jkt: key }, encoding: 'packed' },
    ];
    const first: IssuedTree[] = [];
    for (const request of requests) first.push(await ask(request));
    expect(new Set(first.map(({ txn }) => txn)).size).to.equal(requests.length);
    expect(first.some(({ reused }) => reused)).to.equal(false);
    for (const [index, request] of requests.entries()) {
      const again = await ask(request);
      expect(again.token, JSON.stringify(request)).to.equal(first[index]?.token);
      if (request.encoding === undefined)
        expect(tokenAt(again.token).payload['cnf']).to.deep.equal(request.cnf);
    }
  });

  it('never reuses an opaque token', async () => {
    const [one, two] = [await ask({ client: 'desk' }), await ask({ client: 'desk' })];
    expect([one.opaque, two.opaque, two.reused]).to.deep.equal([true, true, false]);
    expect(two.token).to.not.equal(one.token);
    expectNew(two, one);
    const shop = { kind: 'service', service: plan.services.get('shop')! } as const;
    const swap = async (): Promise<string> => {
      const answer = await issuer.introspect(shop, { token: one.token, form: 'token' });
      return (answer.active && answer.token) || expect.fail('it was not swapped');
    };
    const swapped = [tokenAt(await swap()), tokenAt(await swap())];
    expect(new Set(swapped.map(({ payload }) => payload.jti)).size).to.equal(2);
  });

  it('never reuses the tree of a user, nor gives a user the tree of the client', async () => {
    const provider = await startProvider();
    const userPlan = planOf(reusing({ login: subjectOf(provider, '', APP) }));
    const ofUsers = await issuerFor(userPlan, clock, { store });
    const own = await ask({}, ofUsers);
    const subject = { token: await provider.idToken(), type: 'id_token' } as const;
    const forUser = async (): Promise<IssuedTree> =>
      ofUsers.issueFor(clientOf(userPlan, 'web'), subject, { scopes: ['look'], resources: [SHOP] });
    const [one, two] = [await forUser(), await forUser()];
    expectNew(one, own);
    expectNew(two, own, one);
    expect(tokenAt(two.token).payload.sub).to.equal('login:alice');
    expect((await ask({}, ofUsers)).token).to.equal(own.token);
  });

  it('never reuses a token that a service fetches', async () => {
    const { token, txn } = await ask({ scopes: ['buy'] });
    const fetched = [1, 2].map(async () => exchange(issuer, 'shop', token, { audiences: ['mail'] }));
    const [one, two] = await Promise.all(fetched);
    expect([one?.reused, two?.reused, one?.txn, two?.txn]).to.deep.equal([false, false, txn, txn]);
    expect(one?.token).to.not.equal(two?.token);
  });

  it('stops reusing a tree once any of its tokens is revoked, at whichever process shares the store', async () => {
    const beside = await issuerFor(plan, clock, { store });
    const first = await ask();
    const elsewhere = await ask({}, beside);
    await revoke(first.token);
    const second = await ask();
    expectNew(second, first);
    expect((await ask({}, beside)).token).to.equal(elsewhere.token);
    expect((await ask()).token).to.equal(second.token);
    await revoke(tokenAt(second.token, 'pictures').compact, beside);
    expectNew(await ask(), first, second);
  });

  it('issues a new tree where the store cannot confirm that the old one is not revoked', async () => {
    let isAway = false;
    const flaky: Store = {
      ...store,
      async get(kind, key) {
        if (isAway) throw new WaybillError('store_unavailable', 'away');
        return store.get(kind, key);
      },
    };
    issuer = await issuerFor(plan, clock, { store: flaky });
    const first = await ask();
    isAway = true;
    const second = await ask();
    expectNew(second, first);
    expectNew(await ask(), first, second);
    isAway = false;
    const last = await ask();
    expect(last.reused).to.equal(true);
    expect(last.txn).to.not.be.oneOf([first.txn, second.txn]);
  });

  it('issues a new tree after the clock was set back', async () => {
    const first = await ask();
    now = NOW - 1;
    expectNew(await ask(), first);
  });

  it('does not reuse a tree after the graph or the signing key changed', async () => {
    const first = await ask();
    const changed = planOf(reusing().replace('name: reusing', 'name: changed'));
    expect(changed.digest).to.not.equal(plan.digest);
    const otherGraph = await ask({}, await issuerFor(changed, clock, { store }));
    expectNew(otherGraph, first);
    const old = (await keysFor('ES256')).signer.kid;
    const keys = keyRing([await generateKey('ES256', clock)], 'ES256');
    const otherKey = await ask({}, await issuerFor(plan, clock, { store, keys }));
    expectNew(otherKey, first, otherGraph);
    const kids = [first, otherKey].map(({ token }) => tokensOf(token)[0]?.header['kid']);
    expect(kids).to.deep.equal([old, keys.signer.kid]);
  });

  it('may issue several trees to concurrent requests, and reuses one of them afterwards', async () => {
    const trees = await Promise.all([ask(), ask(), ask()]);
    const next = await ask();
    expect(next.reused).to.equal(true);
    expect(trees.map(({ token }) => token)).to.include(next.token);
  });

  it('requires a store for revocations that processes share', () => {
    const alone = reusing().replaceAll(/ {4}auth: .*SHOP_SECRET \}\n/g, '');
    const without = alone.replace(', reuse: 30s', '');
    expect(sharedStateNeeds(planOf(without))).to.deep.equal(['opaque tokens']);
    expect(sharedStateNeeds(planOf(alone))).to.deep.equal(['opaque tokens', 'revocations']);
  });

  describe('in bounded memory', () => {
    const keys = Array.from({ length: 20 }, (_, n): Confirmation => ({ jkt: String(n).padStart(43, 'k') }));

    /** Issues for one key after another. @returns how many were ever kept at once, and which are there in the end. */
    async function fill(bounds: ReuseBounds): Promise<{ readonly most: number; readonly left: number[] }> {
      const ring = await keysFor('ES256');
      const constraints = new SenderConstraints(plan, store, clock);
      const resolver = new RequestResolver(
        plan,
        clock,
        constraints,
        new Subjects({ plan, clock, fetch, keyWaits: new KeyWaits() }),
      );
      const plans = new TreePlans(plan, ring.signer, () => []);
      const kept = new ReusableTrees(30, revocationsIn(store, clock), bounds);
      const resolve = (cnf: Confirmation) =>
        resolver.forClient(clientOf(plan, 'web'), { scopes: ['look'], resources: [SHOP], cnf });
      let most = 0;
      for (const cnf of keys) {
        const resolved = await resolve(cnf);
        const measured = plans.planFor(resolved.wanted, resolved.values, resolved.encoding);
        kept.add(resolved, await ask({ cnf }), measured);
        most = Math.max(most, kept.size);
      }
      const found = await Promise.all(keys.map(async (cnf) => kept.find(await resolve(cnf))));
      return { most, left: found.flatMap((tree, index) => (tree ? [index] : [])) };
    }

    it('keeps the latest trees, up to a number of trees', async () => {
      expect(await fill({ trees: 3, chars: 1_000_000 })).to.deep.equal({ most: 3, left: [17, 18, 19] });
    });

    it('keeps the latest trees, up to a number of characters', async () => {
      const { token } = await ask({ cnf: keys[0]! });
      const chars = 5 * token.length;
      // With their keys, which count as well, five are too many.
      expect(await fill({ trees: 1_000, chars })).to.deep.equal({ most: 4, left: [16, 17, 18, 19] });
    });

    it('does not keep a tree that is larger than the whole bound', async () => {
      expect(await fill({ trees: 1_000, chars: 100 })).to.deep.equal({ most: 0, left: [] });
    });
  });
});
