/** Redis loses data, and goes on as if nothing had happened. */
import type { RedisServer } from '../../../test/support/redis.ts';
import { UNAVAILABLE, type Scenario } from '../scenario.ts';
import type { Stage } from '../stage.ts';
import { until } from '../until.ts';

const PROMISE =
  'The log says that data may be lost. Assertions from before are refused, used or not; revocations from before are gone.';
/** Assertions from before the loss, opaque tokens that are gone. */
const ERRORS = [UNAVAILABLE, 'invalid_client', 'inactive'];
const FORGOT = /^the store may have lost data/;

export const storeFlushed: Scenario = {
  name: 'Redis flushed',
  promise: PROMISE,
  needs: ['redis-server'],
  errors: ERRORS,
  run: async (stage) =>
    afterLoss(stage, await stage.redis(), {
      what: 'FLUSHALL',
      harm: (redis) => redis.command('FLUSHALL'),
      // Requests write again at once: what was there before is missing.
      proof: async (redis, before) =>
        (await redis.command('EXISTS', before)) === '0' ? 'a key from before is gone' : undefined,
    }),
};

export const storeEvicting: Scenario = {
  name: 'Redis evicting',
  promise: `The log warns of the policy when it starts. ${PROMISE}`,
  needs: ['redis-server'],
  errors: ERRORS,
  run: async (stage) => {
    const redis = await stage.redis('--maxmemory-policy', 'allkeys-random');
    return afterLoss(stage, redis, {
      what: 'maxmemory below what is used',
      harm: async () => {
        const used = Number(/^used_memory:(\d+)/m.exec(await redis.command('INFO', 'memory'))?.[1]);
        await redis.command('CONFIG', 'SET', 'maxmemory', String(used + FILLER_BYTES));
        await redis.command('EVAL', FILL, '0');
      },
      proof: async () => {
        const evicted = Number(/^evicted_keys:(\d+)/m.exec(await redis.command('INFO', 'stats'))?.[1]);
        return evicted > 0 ? 'INFO says evicted_keys > 0' : undefined;
      },
      isLasting: true,
      isWarned: true,
    });
  },
};

const FILLER_BYTES = 256 * 1024;
/** Ten times as much as there is room for. */
const FILL = "for i = 1, 2560 do redis.call('SET', 'filler:' .. i, string.rep('x', 1024)) end return 'OK'";

interface Loss {
  readonly what: string;
  readonly harm: (redis: RedisServer) => Promise<unknown>;
  /** Whether data is lost at any time from then on, not at once. */
  readonly isLasting?: boolean;
  /** @param before a key that was there before. */
  readonly proof: (redis: RedisServer, before: string) => Promise<string | undefined>;
  /** Whether the log must have warned when the issuer started. */
  readonly isWarned?: boolean;
}

async function afterLoss(stage: Stage, redis: RedisServer, loss: Loss): Promise<string> {
  const { what, harm, proof, isLasting = false, isWarned = false } = loss;
  const { shopper } = stage;
  const issuer = await stage.issuer({ store: redis });
  if (isWarned) await until('the warning in the log', () => issuer.logged('the store may forget').length > 0);
  const load = stage.load();
  const times = stage.times(1, 5);
  for (let time = 1; time <= times; time += 1) {
    await load.more(150);
    const before = `probe:${time}`;
    await redis.command('SET', before, '1');
    await stage.inject(
      what,
      async () => {
        shopper.beginLoss();
        await harm(redis);
        if (!isLasting) shopper.endLoss();
      },
      () => proof(redis, before),
    );
    await until('the loss in the log', () => issuer.logged(FORGOT).length >= time);
    await load.more(100);
  }
  await load.stop();
  await redis.command('CONFIG', 'SET', 'maxmemory', '0');
  shopper.endLoss();
  await shopper.countForgotten(stage.lane);
  const refused = await stage.tryAll();
  await stage.endWell(issuer);
  return `${refused} assertions from before refused; ${shopper.forgotten} revoked tokens are active again, which the log has announced`;
}
