/**
 * A clock that a test moves, for this process and for programs that it runs: the time of day and the monotonic clock
 * are ahead by so much. Timers are not: what waits for a second waits for a second.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { scratchFolder } from '../files.ts';

export interface MovedClock {
  /** Seconds since the epoch. */
  now(): number;
  /** Seconds forward. */
  move(seconds: number): void;
  /** For the environment of a program that has the same clock. */
  readonly env: Readonly<Record<string, string>>;
  /** Back to real time, in this process. */
  restore(): void;
}

const PRELOAD = pathToFileURL(path.join(import.meta.dirname, 'moved-clock-preload.mjs')).href;

/** Call `restore` in `after`. */
export function moveClock(): MovedClock {
  const file = path.join(scratchFolder(), 'ahead');
  const [dateNow, performanceNow] = [Date.now, performance.now.bind(performance)];
  let ahead = 0;
  const set = (milliseconds: number): void => {
    ahead = milliseconds;
    writeFileSync(file, String(ahead));
  };
  set(0);
  Date.now = () => dateNow() + ahead;
  performance.now = () => performanceNow() + ahead;
  return {
    now: () => Math.floor(Date.now() / 1000),
    move: (seconds) => set(ahead + seconds * 1000),
    env: { NODE_OPTIONS: `--import=${PRELOAD}`, TEST_CLOCK_AHEAD: file },
    restore: () => {
      Date.now = dateNow;
      performance.now = performanceNow;
    },
  };
}
