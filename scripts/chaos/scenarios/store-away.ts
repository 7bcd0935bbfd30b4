/** Redis does not answer: it is gone, or it stands still. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { RedisServer } from '../../../test/support/redis-server.ts';
import { UNAVAILABLE, type Scenario } from '../scenario.ts';
import { isRunning } from '../sockets.ts';
import type { Stage } from '../stage.ts';
import { ChaosFailed, until } from '../until.ts';

const [LOST, BACK] = [/^the store is lost/, 'the store is back'];
/** Milliseconds. */
const PROBE_MS = 500;

export const storeKilled: Scenario = {
  name: 'Redis killed',
  promise:
    'What needs the store is answered 503, all else goes on. The log tells when it is lost and when it is back.',
  needs: ['redis-server'],
  errors: [UNAVAILABLE],
  run: (stage) =>
    whileAway(stage, {
      what: 'kill -9 of Redis',
      async harm(redis) {
        const pid = redis.pid() ?? 0;
        await redis.kill();
        return isRunning(pid) ? undefined : pid;
      },
      proof: (redis) => (redis.pid() === undefined ? 'pid gone' : undefined),
      undo: (redis) => redis.start(),
    }),
};

export const storeHung: Scenario = {
  name: 'Redis hung',
  promise:
    'The same where Redis keeps connections open and answers nothing: no request waits for it for long.',
  needs: ['redis-server'],
  errors: [UNAVAILABLE],
  run: (stage) =>
    whileAway(stage, {
      what: 'SIGSTOP of Redis',
      harm: (redis) => redis.freeze(),
      proof: async ({ port }) => ((await answersPing(port)) ? undefined : 'PING has no answer'),
      undo: (redis) => redis.thaw(),
    }),
};

interface Away {
  readonly what: string;
  readonly harm: (redis: RedisServer) => Promise<unknown> | void;
  readonly proof: (redis: RedisServer) => Promise<string | undefined> | string | undefined;
  readonly undo: (redis: RedisServer) => Promise<unknown> | void;
}

async function whileAway(stage: Stage, { what, harm, proof, undo }: Away): Promise<string> {
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
  const [losses, returns] = [issuer.logged(LOST).length, issuer.logged(BACK).length];
  if (losses !== times || returns !== times)
    throw new ChaosFailed(`${losses} losses and ${returns} returns in the log, of ${times}`);
  const refused = await stage.tryAll();
  await stage.endWell(issuer);
  return `loss and return logged once each, ${times === 1 ? '' : `${times} times; `}${refused} replays refused afterwards`;
}

async function answersPing(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  socket.write('PING\r\n');
  const answered = await Promise.race([once(socket, 'data').then(() => true), pause(PROBE_MS, false)]);
  socket.destroy();
  return answered;
}
