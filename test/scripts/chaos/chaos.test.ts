import { existsSync } from 'node:fs';

import { expect } from 'chai';

import { Account, type LostRequest } from '../../../scripts/chaos/account.ts';
import type { IssuerProcess } from '../../../scripts/chaos/issuer-process.ts';
import { RunStopped, runScenario } from '../../../scripts/chaos/run.ts';
import type { Scenario } from '../../../scripts/chaos/scenario.ts';
import { scenarios } from '../../../scripts/chaos/scenarios/index.ts';
import type { Stage } from '../../../scripts/chaos/stage.ts';
import { hasRedisServer, needsRedisServer, type RedisServer } from '../../support/redis.ts';

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

  it('leaves nothing behind where the run is stopped in the middle, also what is just being started', async () => {
    const seen: { stage?: Stage; redis?: RedisServer; issuer?: IssuerProcess } = {};
    let stop = (): void => undefined;
    const undone: string[] = [];
    const scenario: Scenario = {
      ...{ name: 'endless', promise: '', needs: [], errors: [] },
      async run(stage) {
        seen.stage = stage;
        stage.atEnd(() => void undone.push('before'));
        stage.atEnd(() => Promise.reject(new Error('not to be undone')));
        seen.redis = await stage.redis();
        stop();
        seen.issuer = await stage.issuer({ store: seen.redis });
        stage.atEnd(() => void undone.push('after'));
        return stage.load().more(1e9).then(String);
      },
    };
    const stopped = new Promise<void>((resolve) => (stop = resolve));
    const run = runScenario(scenario, { isShort: true, injects: true }, stopped);
    expect(await run.catch((error: Error) => error.message)).to.equal('not to be undone');
    expect(undone).to.have.members(['before', 'after']);
    expect(seen.redis?.pid()).to.equal(undefined);
    expect(await seen.issuer?.ended).to.equal('SIGKILL');
    expect(existsSync(seen.stage?.folder ?? '.')).to.equal(false);
  }).timeout(60_000);

  it('says that a run was stopped', async () => {
    const scenario: Scenario = {
      ...{ name: 'endless', promise: '', needs: [], errors: [] },
      run: () => new Promise(() => undefined),
    };
    const run = runScenario(scenario, { isShort: true, injects: true }, Promise.resolve());
    expect(await run.catch((error: unknown) => error)).to.be.instanceOf(RunStopped);
  });
});
