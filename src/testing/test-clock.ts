/** A clock that a test moves. */
import { systemClock, type Clock } from '../clock.ts';

/** A clock that stands still until it is moved. */
export interface TestClock extends Clock {
  /** Moves the clock by a number of seconds; a negative number moves it back. */
  advance(seconds: number): void;
  /** Sets the clock to a time, in seconds since the epoch. */
  set(time: number): void;
}

/**
 * Makes a clock that stands still until it is moved. Give the same clock to the issuer and to the extractor.
 *
 * @param time seconds since the epoch. Default: the time of the system.
 * @example
 * ```ts
 * import { testClock } from 'waybill/testing';
 *
 * const clock = testClock(1_750_000_000);
 * clock.advance(60);
 * console.log(clock()); // 1750000060
 * ```
 */
export function testClock(time: number = systemClock()): TestClock {
  let now = time;
  return Object.assign(() => now, {
    advance(seconds: number) {
      now += seconds;
    },
    set(seconds: number) {
      now = seconds;
    },
  });
}
