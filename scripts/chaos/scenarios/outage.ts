/** The store cannot be used for a while: requests that need it are answered 503, all others go on. */
import type { RedisServer } from '../../../test/support/redis.ts';
import type { IssuerProcess } from '../issuer-process.ts';
import type { Stage } from '../stage.ts';
import { until } from '../until.ts';

export const [LOST, BACK] = [/^the store is lost/, 'the store is back'];

export interface Outage {
  readonly what: string;
  readonly harm: (redis: RedisServer) => Promise<unknown> | void;
  /** @returns what shows that the harm took effect; undefined as long as nothing does. */
  readonly proof: (redis: RedisServer) => Promise<string | undefined> | string | undefined;
  readonly undo: (redis: RedisServer) => Promise<unknown> | void;
}

export interface Survived {
  readonly issuer: IssuerProcess;
  /** How often the store could not be used. */
  readonly times: number;
  /** Replays that were refused afterwards. */
  readonly refused: number;
}

/** @throws ChaosFailed where requests are not answered as promised, or the issuer does not survive. */
export async function runOutage(stage: Stage, { what, harm, proof, undo }: Outage): Promise<Survived> {
  const redis = await stage.redis();
  const issuer = await stage.issuer({ store: redis });
  const load = stage.load();
  await load.more(100);
  const times = stage.times(1, 5);
  for (let time = 1; time <= times; time += 1) {
    await stage.inject(
      what,
      () => harm(redis),
      () => proof(redis),
    );
    await until('the loss in the log', () => issuer.logged(LOST).length >= time);
    const told = stage.account.toldAll;
    await until('requests that are answered 503', () => stage.account.toldAll > told + 10);
    const before = stage.account.answered;
    await until('requests that are answered all the same', () => stage.account.answered > before + 10);
    await undo(redis);
    await until('the return in the log', () => issuer.logged(BACK).length >= time);
    await stage.untilStored();
    await load.more(100);
  }
  await load.stop();
  const refused = await stage.tryAll();
  await stage.endWell(issuer);
  return { issuer, times, refused };
}
