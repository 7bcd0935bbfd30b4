import { expect } from 'chai';
import { Account, type LostRequest } from '../../scripts/chaos/account.ts';
import { runScenario } from '../../scripts/chaos/run.ts';
import { scenarios } from '../../scripts/chaos/scenarios/index.ts';
import { hasRedisServer, needsRedisServer } from '../support/redis.ts';

const URL = 'http://127.0.0.1:1';
const lost = (port: number | undefined, openedAt: number, isUnsent = false): LostRequest => ({
  ...{ url: URL, port, openedAt, isUnsent },
  reason: 'ECONNRESET',
});

describe('npm run chaos: the account', () => {
  it('counts every request once', () => {
    const account = new Account();
    const outcomes = ['right', 'right', { told: 'x' }, { told: 'x' }, { wrong: 'y' }, lost(5, 1)] as const;
    const ends = outcomes.map(() => account.send());
    expect([account.sent, account.ended]).to.deep.equal([6, 0]);
    for (const [index, end] of ends.entries()) end(outcomes[index] ?? 'right');
    expect([account.sent, account.ended, account.answered]).to.deep.equal([6, 6, 2]);
    expect([[...account.told], account.wrong]).to.deep.equal([[['x', 2]], ['y']]);
    expect(account.lost).to.have.length(1);
  });

  it('excuses what is lost over connections of a killed process, and nothing else', () => {
    const account = new Account();
    account.kill({ url: URL, others: new Set([7]), until: 100 });
    const own = [lost(5, 100), lost(undefined, 50)];
    const others = [lost(7, 50), lost(5, 101), { ...lost(5, 50), url: 'http://127.0.0.1:2' }];
    for (const request of [...own, ...others]) account.send()(request);
    expect(account.lostWithProcess).to.deep.equal(own);
    expect(account.lost).to.deep.equal(others);
    expect([account.sent, account.ended]).to.deep.equal([5, 5]);
  });

  it('does not count as sent what a process that is down could not take', () => {
    const account = new Account();
    account.kill({ url: URL, others: new Set(), until: Infinity });
    account.send()(lost(undefined, 500, true));
    expect([account.sent, account.ended, account.lost.length]).to.deep.equal([0, 0, 0]);
  });
});

describe(`npm run chaos: a scenario${needsRedisServer}`, () => {
  before(function () {
    if (!hasRedisServer) this.skip();
  });

  it('fails if nothing shows that its injection took effect', async () => {
    const scenario = scenarios.find(({ name }) => name === 'Redis full');
    if (!scenario) throw new Error('there is no such scenario');
    const { outcome, faults, injected } = await runScenario(scenario, { isShort: true, injects: false });
    expect([outcome, injected]).to.deep.equal(['broken', []]);
    expect(faults.join()).to.contain('no effect of what was injected');
  }).timeout(180_000);
});
