/** The time of day jumps for the issuer and its clients: an hour ahead, back, and an hour behind. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { RedisServer } from '../../../test/support/redis.ts';
import type { IssuerProcess } from '../issuer-process.ts';
import { libfaketime } from '../needs.ts';
import type { Scenario } from '../scenario.ts';
import type { Stage } from '../stage.ts';
import { ChaosFailed } from '../until.ts';

const HOUR = 3_600;
const PROMISE =
  'Times in tokens follow the clock. After any jump no expired, used or revoked token is accepted, and no process ends.';
/** Assertions that were made after the time that the clock shows now, or before the marks of the store. */
const ERRORS = ['invalid_client', 'inactive'];
/** How often libfaketime reads the file, in seconds. */
const CACHE = 1;

export const clockMoved: Scenario = {
  name: 'clock moved, with Redis',
  promise: PROMISE,
  needs: ['redis-server', 'faketime'],
  errors: ERRORS,
  run: async (stage) => moveClock(stage, await stage.redis()),
};

export const clockMovedInMemory: Scenario = {
  name: 'clock moved, in memory',
  promise: PROMISE,
  needs: ['faketime'],
  errors: ERRORS,
  run: (stage) => moveClock(stage),
};

async function moveClock(stage: Stage, store?: RedisServer): Promise<string> {
  const file = path.join(stage.folder, 'clock');
  const env = {
    LD_PRELOAD: libfaketime() ?? '',
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: String(CACHE),
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  };
  writeFileSync(file, '+0');
  const issuer = await stage.issuer({ env, ...(store ? { store } : {}) });
  const { shopper, lane } = stage;
  const rounds = stage.times(1, 5);
  for (const hours of Array.from({ length: rounds }, () => [1, 0, -1, 0]).flat()) {
    const load = stage.load();
    await load.more(60);
    await load.stop();
    const before = [await shopper.issue(lane), await shopper.issueReference(lane)];
    const ahead = hours * HOUR;
    const isForward = ahead > shopper.ahead;
    await stage.inject(
      `the clock at ${hours} h`,
      () => writeFileSync(file, `${ahead < 0 ? '' : '+'}${ahead}`),
      async () => {
        const seen = (await clockOf(stage, issuer)) - Date.now() / 1000;
        return Math.abs(seen - ahead) < HOUR / 2 ? 'the clock of the issuer shows it' : undefined;
      },
    );
    shopper.ahead = ahead;
    if ((await shopper.issue(lane)) === undefined)
      throw new ChaosFailed('no token is issued at the new time');
    for (const token of before)
      if (isForward && token !== undefined) await shopper.introspect(lane, token, false);
    await stage.tryAll();
  }
  await stage.endWell(issuer);
  return `${rounds * 4} jumps: an hour ahead, back, an hour behind, back`;
}

/** In seconds since the epoch, as its answers say. */
async function clockOf({ lane }: Stage, { url }: IssuerProcess): Promise<number> {
  const { headers } = await lane.get(`${url}/healthz`);
  return Date.parse(headers.date ?? '') / 1000;
}
