/** For how long the store keeps what ends at a time, and since when it has kept it. */
import type { Clock } from '../../clock.ts';

/**
 * @param end seconds since the epoch.
 * @param leeway seconds that it is kept beyond the end. Default: none.
 * @returns whole seconds from now on, at least one: what is over already is forgotten at once, not refused.
 */
export function timeToLive(end: number, clock: Clock, leeway = 0): number {
  return Math.max(1, Math.ceil(end - clock()) + leeway);
}

/**
 * @param what the kind of entry that is marked as used, in the plural.
 * @param since seconds since the epoch (`Store.marksSince`).
 */
export function describeLostMarks(what: string, since: number): string {
  const time = Number.isFinite(since) ? `before ${new Date(since * 1000).toISOString()}` : 'until now';
  return `it is no longer known which ${what} were used ${time}`;
}
