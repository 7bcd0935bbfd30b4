/** Three times as many requests as the issuer can answer. */
import { setTimeout as pause } from 'node:timers/promises';
import { Flood, capacityOf } from '../flood.ts';
import { Probes } from '../probes.ts';
import { UNAVAILABLE, type Scenario } from '../scenario.ts';
import type { Stage } from '../stage.ts';
import { ChaosFailed, until } from '../until.ts';

const TIMES = 3;
const LOOK_MS = 500;

export const overload: Scenario = {
  name: 'overload, 3×',
  promise: 'Excess requests are answered 503 with Retry-After. The management port always answers.',
  needs: [],
  errors: [UNAVAILABLE],
  async run(stage) {
    const issuer = await stage.issuer({ more: ['--management-port', '0', '--log-level', 'warn'] });
    const capacity = await capacityOf(stage.shopper, stage.times(150, 2_000));
    const floods: Flood[] = [];
    const probes = new Probes(`${issuer.management}/healthz`);
    stage.atEnd(async () => Promise.all([probes, ...floods].map((running) => running.stop())));
    await stage.inject(
      `${TIMES} times the load`,
      () => void floods.push(new Flood(stage.shopper, capacity * TIMES)),
      async () => {
        const { answered, refused } = await rates(stage);
        if (answered > 0 && refused >= answered) return 'at least as many requests are refused as answered';
        // The capacity was measured while the machine was busy with something else.
        if (refused === 0) for (const flood of floods) flood.rate *= 1.25;
        return undefined;
      },
    );
    await pause(stage.times(0, 20_000));
    for (const flood of floods) await flood.stop();
    await probes.stop();
    const good = probes.seen.get(200) ?? 0;
    if (good === 0 || good < probes.all)
      throw new ChaosFailed(`${good} of ${probes.all} probes were answered 200`);
    await until('the overload in the log', () => issuer.logged(/^overloaded/).length > 0);
    await until('an answer after the overload', () => stage.shopper.issue(stage.lane));
    await stage.endWell(issuer);
    return `all of ${good} probes answered 200`;
  },
};

async function rates({ account }: Stage): Promise<{ readonly answered: number; readonly refused: number }> {
  const [answered, refused] = [account.answered, account.toldAll];
  await pause(LOOK_MS);
  return { answered: account.answered - answered, refused: account.toldAll - refused };
}
