/** Redis does not answer: it was killed, or it hangs. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { UNAVAILABLE, type Scenario } from '../scenario.ts';
import { isRunning } from '../sockets.ts';
import type { Stage } from '../stage.ts';
import { ChaosFailed } from '../until.ts';
import { BACK, LOST, runOutage, type Outage } from './outage.ts';

/** Milliseconds. */
const PROBE_MS = 500;

export const storeKilled: Scenario = {
  name: 'Redis killed',
  promise:
    'Requests that need the store are answered 503, all others go on. The log says when it is lost and when it is back.',
  needs: ['redis-server'],
  errors: [UNAVAILABLE],
  run: (stage) =>
    outageLoggedOnce(stage, {
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
  promise: 'The same while Redis keeps connections open without answering: no request waits for it for long.',
  needs: ['redis-server'],
  errors: [UNAVAILABLE],
  run: (stage) =>
    outageLoggedOnce(stage, {
      what: 'SIGSTOP of Redis',
      harm: (redis) => redis.freeze(),
      proof: async ({ port }) => ((await answersPing(port)) ? undefined : 'PING has no answer'),
      undo: (redis) => redis.thaw(),
    }),
};

async function outageLoggedOnce(stage: Stage, outage: Outage): Promise<string> {
  const { issuer, times, refused } = await runOutage(stage, outage);
  const [losses, returns] = [issuer.logged(LOST).length, issuer.logged(BACK).length];
  if (losses !== times || returns !== times)
    throw new ChaosFailed(`${losses} losses and ${returns} returns in the log, of ${times}`);
  return `loss and return logged once each, ${times === 1 ? '' : `${times} times; `}${refused} replays refused afterwards`;
}

async function answersPing(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  socket.write('PING\r\n');
  const answered = await Promise.race([once(socket, 'data').then(() => true), pause(PROBE_MS, false)]);
  socket.destroy();
  return answered;
}
