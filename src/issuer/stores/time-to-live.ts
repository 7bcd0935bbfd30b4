/** The time to live of entries that expire at a given time, and the message about lost marks. */

import { isoTime } from '../../clock.ts';

/**
 * @param end seconds since the epoch.
 * @param now seconds since the epoch.
 * @param leeway seconds to add, for clocks that differ. Default: none.
 * @returns whole seconds from `now` on. An expired entry gets one second, since the store takes no less.
 */
export function timeToLive(end: number, now: number, leeway = 0): number {
  return Math.max(1, Math.ceil(end - now) + leeway);
}

/**
 * @param what the kind of entry that is marked as used, in the plural.
 * @param since seconds since the epoch (`Store.marksSince`).
 */
export function describeLostMarks(what: string, since: number): string {
  const time = Number.isFinite(since) ? `before ${isoTime(since)}` : 'until now';
  return `it is no longer known which ${what} were used ${time}`;
}
