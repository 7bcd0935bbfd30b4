/** Conditions are decided once for a tree, when it begins; what was decided travels in it. */
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { StepUpRequired, isWaybillError } from '../../../src/errors.ts';
import type { Plan } from '../../../src/graph/index.ts';
import type { IssuedTree, Issuer } from '../../../src/issuer/index.ts';
import { decryptDeferredClaims } from '../../../src/token/index.ts';
import { planOf } from '../../support/compile.ts';
import {
  CONSUMERS,
  WORKFORCE,
  conditional,
  type ConditionalParts,
} from '../../support/graphs/conditional.ts';
import { clientOf, exchange, firstStore, issuerFor, keysFor } from '../../support/issuer/issue.ts';
import { comparable, tokensOf } from '../../support/issuer/trees.ts';
import { NOW, makeSigner, type Json, type Signer } from '../../support/keys/signer.ts';

/** What a user's token says, beside what every one does. */
const USERS = {
  lead: {
    iss: WORKFORCE,
    role: ['support', 'lead'],
    acr: 'urn:w:hw',
    auth_time: NOW - 10,
    email: 'lee@w.example',
  },
  staff: { iss: WORKFORCE, role: ['support'], acr: 'urn:w:2fa', auth_time: NOW - 10 },
  weak: { iss: WORKFORCE, role: ['support'], acr: 'urn:w:pwd', auth_time: NOW - 10 },
  old: { iss: WORKFORCE, role: ['support'], acr: 'urn:w:2fa', auth_time: NOW - 400 },
  unknown: { iss: WORKFORCE, role: ['support'] },
  buyer: { iss: CONSUMERS, acr: 'urn:c:mfa', auth_time: NOW - 10 },
  liar: { iss: CONSUMERS, role: ['support'], acr: 'urn:w:2fa', auth_time: NOW - 10 },
} satisfies Record<string, Json>;
type Who = keyof typeof USERS | Json;

describe('Conditions of a tree', () => {
  let signer: Signer;
  const store = firstStore({ clock: () => NOW });

  before(async () => {
    signer = await makeSigner('ES256', 'provider');
  });

  function issuerOf(parts: ConditionalParts | Plan = {}): Promise<Issuer> {
    const plan = 'services' in parts ? parts : planOf(conditional(parts));
    const fetch = async () => Promise.resolve(Response.json({ keys: [signer.publicJwk] }));
    return issuerFor(plan, () => NOW, { fetch, store });
  }

  async function ask(
    issuer: Issuer,
    who: Who | undefined,
    scope: string,
    amount?: number,
  ): Promise<IssuedTree> {
    const request = { scopes: scope.split(' '), ...(amount === undefined ? {} : { request: { amount } }) };
    const desk = clientOf(issuer.plan, 'desk');
    if (who === undefined) return issuer.issue(desk, request);
    const claims = typeof who === 'string' ? USERS[who] : who;
    const user = { sub: 'u', aud: 'app', iat: NOW, exp: NOW + 600, ...claims };
    const token = await signer.sign(user, { typ: 'JWT' });
    return issuer.issueFor(desk, { token, type: 'id_token' }, request);
  }

  /** `payment:charge refund` for each token below the root. */
  const below = (token: string): string[] =>
    tokensOf(token).flatMap(({ path, payload }) =>
      path.length === 0 ? [] : `${path.join('/')}:${payload.scope}`,
    );

  async function failure(promise: Promise<unknown>): Promise<unknown> {
    return promise.then(
      () => expect.fail('it is not refused'),
      (error: unknown) => error,
    );
  }

  it('a scope is left out of a call whose condition does not hold, and a call without scopes is not made', async () => {
    const issuer = await issuerOf();
    const cases = [
      ['staff', 'refund', 50, 'refund', ['payment:charge refund']],
      ['lead', 'refund', 501, 'refund', ['payment:charge']],
      ['weak', 'refund', 50, 'refund', ['payment:charge']],
      ['weak', 'refund', 101, 'refund', []],
      ['buyer', 'pay', 101, 'pay', ['payment:charge', 'mail:send']],
      ['buyer', 'view pay refund', 101, 'view pay', ['mail:send', 'payment:charge']],
      ['old', 'pay', 101, 'pay', ['mail:send']],
      [undefined, 'pay', 100, 'pay', ['payment:charge', 'mail:send']],
      [undefined, 'pay', 101, 'pay', ['mail:send']],
      [undefined, 'pay', undefined, 'pay', ['mail:send']],
      [undefined, 'view', undefined, 'view', ['mail:send']],
    ] as const;
    for (const [who, scope, amount, granted, tokens] of cases) {
      const tree = await ask(issuer, who, scope, amount);
      expect([tree.scope, below(tree.token)], `${who} ${scope} ${amount}`).to.deep.equal([granted, tokens]);
    }
  });

  it('threat 102: a provider is asked for what is its own: neither a role nor a level of another one counts', async () => {
    const issuer = await issuerOf();
    expect(await failure(ask(issuer, 'liar', 'refund', 1))).to.include({ code: 'invalid_scope' });
    expect(below((await ask(issuer, 'liar', 'pay', 101)).token)).to.deep.equal(['mail:send']);
  });

  it('threat 101: what is missing or of another type makes a condition not hold, under a negation too', async () => {
    const issuer = await issuerOf({ staff: '\'provider == "workforce" && !("guest" in subject.role)\'' });
    const refunds = async (role: unknown) => {
      const tree = await ask(issuer, { ...USERS.staff, role }, 'view refund', 1);
      return tree.scope === 'view refund';
    };
    expect(
      await Promise.all([['support'], ['guest'], undefined, 'support', [1], null].map(refunds)),
    ).to.deep.equal([true, ...[false, false, false, false, false]]);
  });

  it('threat 103: the condition of a scope guards a call that has none itself, of a client too', async () => {
    const direct = conditional().replace('calls: { front:', 'calls: { payment: [charge], front:');
    const issuer = await issuerOf(planOf(direct));
    const asked = async (amount: number) =>
      ask(issuer, undefined, 'charge', amount).then(({ scope }) => scope);
    expect(await asked(100)).to.equal('charge');
    expect(await failure(asked(101))).to.include({ code: 'invalid_scope' });
  });

  it('a level that is no text is none, under a negation too', async () => {
    const plan = planOf(
      conditional({ staff: '\'!(auth.acr in ["low"])\'' })
        .replace(/  consumers: .*\n/, '')
        .replace('subjects: [workforce, consumers]', 'subjects: [workforce]')
        .replace(/, acr: \{ mfa: \[urn:w[^}]*\}/, ''),
    );
    const issuer = await issuerOf(plan);
    const granted = async (acr: unknown) =>
      (await ask(issuer, { ...USERS.staff, acr }, 'view refund', 1)).scope;
    expect(await granted('high')).to.equal('view refund');
    for (const acr of ['low', ['low'], [], 1, false, { low: 1 }, null, undefined])
      expect(await granted(acr), JSON.stringify(acr)).to.equal('view');
  });

  it('threat 61: requests of two amounts at once do not share a tree', async () => {
    const issuer = await issuerOf();
    const amounts = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? 100 : 101));
    const trees = await Promise.all(amounts.map((amount) => ask(issuer, undefined, 'pay', amount)));
    for (const [n, { token }] of trees.entries())
      expect(below(token)).to.deep.equal(
        amounts[n] === 100 ? ['payment:charge', 'mail:send'] : ['mail:send'],
      );
  });

  describe('in an exchange', () => {
    it('are those of the begin: the token equals the embedded one but for `jti`, `iat` and `exp`', async () => {
      const { heldKeys } = await keysFor('ES256');
      const [embedding, fetching] = [await issuerOf(), await issuerOf({ mode: 'exchange' })];
      let compared = 0;
      for (const who of ['lead', 'staff', 'weak', 'old', 'buyer'] as const) {
        for (const amount of [100, 101, 501]) {
          const [inside, outside] = await Promise.all(
            [embedding, fetching].map((issuer) => ask(issuer, who, 'view pay refund', amount)),
          );
          const child = tokensOf(inside!.token).find(({ path }) => path.join() === 'payment');
          for (const [issuer, tree] of [
            [embedding, inside],
            [fetching, outside],
          ] as const) {
            const fetched = exchange(issuer, 'front', tree!.token, { audiences: ['payment'] });
            if (!child) {
              expect(await failure(fetched)).to.satisfy((error: unknown) =>
                isWaybillError(error, 'invalid_target', 'insufficient_user_authentication'),
              );
              continue;
            }
            compared += 1;
            expect(await comparable((await fetched).token, heldKeys, 'txn')).to.deep.equal(
              await comparable(child.compact, heldKeys, 'txn'),
            );
          }
        }
      }
      expect(compared).to.be.greaterThan(10);
    });

    it('decide about what is fetched further down, by claims that no token there carries', async () => {
      const issuer = await issuerOf();
      const scopesOf = async (who: Who): Promise<string> => {
        const { token } = await ask(issuer, who, 'refund', 50);
        const payment = tokensOf(token).find(({ path }) => path.join() === 'payment')!;
        return (await exchange(issuer, 'payment', payment.compact, { audiences: ['vault'] })).scope;
      };
      expect([await scopesOf('lead'), await scopesOf('staff')]).to.deep.equal(['read write', 'read']);
    });

    it('threat 104: a condition that the graph gained or changed since the tree began does not hold', async () => {
      const { token } = await ask(await issuerOf(), 'staff', 'refund', 50);
      const fetch = async (parts: ConditionalParts) =>
        exchange(await issuerOf(parts), 'front', token, { audiences: ['payment'] }).then(
          ({ scope }) => scope,
        );
      expect(await fetch({})).to.equal('charge refund');
      expect(await fetch({ refund: 'strong && staff && request.amount <= 500' })).to.equal('charge refund');
      expect(await fetch({ refund: 'staff && strong && request.amount <= 501' })).to.equal('charge');
      expect(
        await fetch({ refund: 'staff && strong && request.amount <= 500 && has(subject.role)' }),
      ).to.equal('charge');
      expect(await fetch({ refund: 'staff && request.amount <= 500' })).to.equal('charge refund');
    });

    it('keeps ids of what its service may fetch alone, and nothing where that cannot fetch', async () => {
      const { heldKeys } = await keysFor('ES256');
      const { token } = await ask(await issuerOf(), 'lead', 'view pay refund', 50);
      const sizes = new Map<string, number>();
      for (const { path, payload } of tokensOf(token)) {
        const { met, stepUp } = await decryptDeferredClaims(payload.held, heldKeys);
        sizes.set(path.join('/'), (met?.length ?? 0) + (stepUp?.length ?? 0));
      }
      // view: tier; charge: 1; refund: provider, role, acr, age, amount; write: lead. Below payment: write alone.
      expect(Object.fromEntries(sizes)).to.deep.equal({ '': 8, payment: 1, mail: 0 });
    });
  });

  describe('of an opaque token', () => {
    const parts = { desk: 'token: opaque', refund: 'staff && request.ip.startsWith("10.")' };
    const graph = (more: ConditionalParts = {}) =>
      planOf(
        conditional({ ...parts, ...more })
          .replaceAll('claims: [amount]', 'claims: [amount, ip]')
          .replace(
            '  front:\n',
            '  edge: { auth: { method: client_secret_basic, secret_env: EDGE }, introspect: [front], scopes: { x: } }\n  front:\n',
          ),
      );

    async function swap(issuer: Issuer, token: string, request: Readonly<Record<string, unknown>>) {
      const edge = issuer.plan.services.get('edge')!;
      const result = await issuer.introspect(
        { kind: 'service', service: edge },
        { token, form: 'token', request },
      );
      return result.active && result.token !== undefined ? below(result.token) : [];
    }

    it('are decided at its issue, but those on what a gateway sets: at each swap', async () => {
      const issuer = await issuerOf(graph());
      const { token } = await ask(issuer, 'staff', 'refund', 101);
      expect(await swap(issuer, token, { ip: '10.1.1.1' })).to.deep.equal(['payment:charge refund']);
      expect(await swap(issuer, token, { ip: '192.168.1.1' })).to.deep.equal(['payment:charge']);
      expect(await swap(issuer, token, {})).to.deep.equal(['payment:charge']);
      expect(await swap(issuer, token, { ip: '10.1.1.1' })).to.deep.equal(['payment:charge refund']);
      const weak = await ask(issuer, { ...USERS.weak, role: [] }, 'pay', 100);
      expect(await swap(issuer, weak.token, { ip: '10.1.1.1' })).to.deep.equal([
        'payment:charge',
        'mail:send',
      ]);
    });

    it('that the graph changed since do not hold at a swap', async () => {
      const { token } = await ask(await issuerOf(graph()), 'staff', 'view refund', 50);
      const stricter = await issuerOf(graph({ staff: 'provider == "workforce" && "lead" in subject.role' }));
      expect(await swap(stricter, token, { ip: '10.1.1.1' })).to.deep.equal(['mail:send']);
    });

    it('that the graph gained since do not hold at a swap, though they would for want of the facts of then', async () => {
      const { token } = await ask(await issuerOf(graph()), 'staff', 'refund', 50);
      const gained = (more: string) => issuerOf(graph({ refund: `${parts.refund} && ${more}` }));
      for (const more of ['(!has(subject.role) || request.ip == "10.9.9.9")', 'has(request.ip)'])
        expect(await swap(await gained(more), token, { ip: '10.1.1.1' }), more).to.deep.equal([
          'payment:charge',
        ]);
    });

    it('on what a gateway sets do not hold for whoever asks what the token means: no gateway has said it yet', async () => {
      const guarded =
        'calls: { front: { scopes: [view, pay, refund], when: { refund: \'request.ip == "10.1.1.1"\' } } }';
      const issuer = await issuerOf(
        planOf(
          conditional({ desk: 'token: opaque' })
            .replace(/calls: \{ front: .*/, guarded)
            .replaceAll('claims: [amount]', 'claims: [amount, ip]')
            .replace(
              '  front:\n',
              '  edge: { auth: { method: client_secret_basic, secret_env: EDGE }, introspect: [front], scopes: { x: } }\n  front:\n',
            ),
        ),
      );
      const { token } = await ask(issuer, 'staff', 'view refund', 50);
      const edge = issuer.plan.services.get('edge')!;
      const meaning = await issuer.introspect({ kind: 'service', service: edge }, { token });
      expect(meaning.active && meaning.claims?.['scope']).to.equal('view');
      const only = await ask(issuer, 'staff', 'refund', 50);
      expect(await issuer.introspect({ kind: 'service', service: edge }, { token: only.token })).to.include({
        active: false,
      });
    });
  });

  describe('that another login would meet (RFC 9470)', () => {
    const stepUpOf = (error: unknown) => {
      if (!(error instanceof StepUpRequired)) return error;
      return [error.acrValues?.join(' '), error.maxAge];
    };

    it('are named where nothing is granted otherwise', async () => {
      const guarded = await issuerOf({
        staff: 'provider == "workforce" && auth.acr == "mfa" && auth.age < 120',
      });
      const asked = async (who: Who) => stepUpOf(await failure(ask(guarded, who, 'refund', 1)));
      expect(await asked('weak')).to.deep.equal(['urn:w:2fa urn:w:hw', undefined]);
      expect(await asked('old')).to.deep.equal(['urn:w:2fa urn:w:hw', 119]);
      expect(await asked('unknown')).to.deep.equal(['urn:w:2fa urn:w:hw', 119]);
      expect(await asked('buyer')).to.include({ code: 'invalid_scope' });
    });

    it('are named beside what is granted, also where only a call far down is not made', async () => {
      const issuer = await issuerOf();
      const stepUp = async (who: Who | undefined, scope: string, amount: number) =>
        (await ask(issuer, who, scope, amount)).stepUp;
      const login = { acrValues: ['urn:w:2fa', 'urn:w:hw'], maxAge: undefined };
      expect(await stepUp('weak', 'view refund', 50)).to.deep.equal({ scopes: ['refund'], login });
      expect(await stepUp('old', 'view refund', 50)).to.deep.equal({
        scopes: ['refund'],
        login: { ...login, maxAge: 300 },
      });
      expect(await stepUp('weak', 'view pay', 101)).to.deep.equal({ scopes: ['pay'], login });
      for (const [who, scope, amount] of [
        ['weak', 'view pay', 100],
        ['staff', 'view pay refund', 500],
        ['staff', 'refund', 501], // too high for any login
        [undefined, 'pay', 101],
      ] as const)
        expect(await stepUp(who, scope, amount), `${who} ${scope}`).to.equal(undefined);
    });

    it('are named by an exchange, for a child that the caller lacks', async () => {
      const issuer = await issuerOf();
      const fetch = async (who: Who, scope: string, amount: number, scopes: string[] = []) => {
        const { token } = await ask(issuer, who, scope, amount);
        return stepUpOf(await failure(exchange(issuer, 'front', token, { audiences: ['payment'], scopes })));
      };
      expect(await fetch('weak', 'pay', 101)).to.deep.equal(['urn:w:2fa urn:w:hw', 300]);
      expect(await fetch('weak', 'refund', 50, ['refund'])).to.deep.equal(['urn:w:2fa urn:w:hw', undefined]);
      expect(await fetch('old', 'refund', 50, ['refund'])).to.deep.equal(['urn:w:2fa urn:w:hw', 300]);
      expect(await fetch('weak', 'refund', 501, ['refund'])).to.include({ code: 'invalid_target' });
      expect(await fetch('weak', 'refund', 501, ['charge'])).to.deep.equal(['urn:w:2fa urn:w:hw', 300]);
    });
  });

  it('a client is asked at each request anew: what one user may have, the next may not', async () => {
    const issuer = await issuerOf();
    expect((await ask(issuer, 'staff', 'view refund', 1)).scope).to.equal('view refund');
    const { scope, token } = await ask(issuer, 'buyer', 'view refund', 1);
    expect([scope, decodeJwt(token)['scope']]).to.deep.equal(['view', 'view']);
  });
});
