/** Redis answers but refuses writes: its memory is full, or it has become a replica. */
import { freePort } from '../../../test/support/http.ts';
import type { RedisServer } from '../../../test/support/redis.ts';
import { UNAVAILABLE, type Scenario } from '../scenario.ts';
import type { Stage } from '../stage.ts';
import { runOutage, type Outage } from './outage.ts';

/** @param code how the refusal of Redis begins. */
const refusesWrites =
  (code: string) =>
  async (redis: RedisServer): Promise<string | undefined> =>
    (await redis.command('SET', 'probe', '1')).startsWith(code) ? `SET answers ${code}` : undefined;

export const storeFull: Scenario = {
  name: 'Redis full',
  promise: 'Requests that must be remembered are answered 503, and nothing is forgotten.',
  needs: ['redis-server'],
  errors: [UNAVAILABLE],
  run: (stage) =>
    whileRefusing(stage, {
      what: 'maxmemory that is used up',
      harm: (redis) => redis.command('CONFIG', 'SET', 'maxmemory', '1'),
      proof: refusesWrites('OOM'),
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
      harm: (redis) => redis.command('REPLICAOF', '127.0.0.1', nobody),
      proof: refusesWrites('READONLY'),
      undo: (redis) => redis.command('REPLICAOF', 'NO', 'ONE'),
    });
  },
};

async function whileRefusing(stage: Stage, outage: Outage): Promise<string> {
  const { refused } = await runOutage(stage, outage);
  return `${refused} replays refused afterwards`;
}
