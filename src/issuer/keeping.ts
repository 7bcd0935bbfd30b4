/** For how long the store keeps what ends at a time. */
import type { Clock } from '../clock.ts';

/**
 * @param end seconds since the epoch.
 * @param leeway seconds that it is kept beyond the end. Default: none.
 * @returns whole seconds from now on, at least one: what is over already is forgotten at once, not refused.
 */
export function secondsUntil(end: number, clock: Clock, leeway = 0): number {
  return Math.max(1, Math.ceil(end - clock()) + leeway);
}
