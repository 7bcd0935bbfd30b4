/** Redis answers and takes no writes: its memory is full, or it has become a replica. */
import { freePort } from '../../../test/support/free-port.ts';
import type { RedisServer } from '../../../test/support/redis-server.ts';
import { UNAVAILABLE, type Scenario } from '../scenario.ts';
import type { Stage } from '../stage.ts';
import { until } from '../until.ts';

export const storeFull: Scenario = {
  name: 'Redis full',
  promise: 'What would have to be remembered is answered 503, and nothing is forgotten.',
  needs: ['redis-server'],
  errors: [UNAVAILABLE],
  run: (stage) =>
    whileRefusing(stage, {
      what: 'maxmemory that is used up',
      code: 'OOM',
      harm: (redis) => redis.command('CONFIG', 'SET', 'maxmemory', '1'),
      undo: (redis) => redis.command('CONFIG', 'SET', 'maxmemory', '0'),
    }),
};

export const storeReadOnly: Scenario = {
  name: 'Redis read-only',
  promise: 'The same after a failover that leaves the issuer with a replica.',
  needs: ['redis-server'],
  errors: [UNAVAILABLE],
  run: async (stage) => {
    const nobody = String(await freePort());
    return whileRefusing(stage, {
      what: 'Redis as a replica',
      code: 'READONLY',
      harm: (redis) => redis.command('REPLICAOF', '127.0.0.1', nobody),
      undo: (redis) => redis.command('REPLICAOF', 'NO', 'ONE'),
    });
  },
};

interface Refusal {
  readonly what: string;
  /** With which Redis refuses a write. */
  readonly code: string;
  readonly harm: (redis: RedisServer) => Promise<unknown>;
  readonly undo: (redis: RedisServer) => Promise<unknown>;
}

async function whileRefusing(stage: Stage, { what, code, harm, undo }: Refusal): Promise<string> {
  const redis = await stage.redis();
  const issuer = await stage.issuer({ store: redis });
  const load = stage.load();
  await load.more(100);
  const times = stage.times(1, 5);
  for (let time = 1; time <= times; time += 1) {
    await stage.inject(
      what,
      () => harm(redis),
      async () =>
        (await redis.command('SET', 'probe', '1')).startsWith(code) ? `SET answers ${code}` : undefined,
    );
    await until('the loss in the log', () => issuer.logged(/^the store is lost/).length >= time);
    const told = stage.account.toldAll;
    await until('requests that are answered 503', () => stage.account.toldAll > told + 10);
    const before = stage.account.answered;
    await until('requests that are answered all the same', () => stage.account.answered > before + 10);
    await undo(redis);
    await stage.untilStored();
    await load.more(100);
  }
  await load.stop();
  const refused = await stage.tryAll();
  await stage.endWell(issuer);
  return `${refused} replays refused afterwards`;
}
