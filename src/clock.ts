/**
 * The only reader of the wall clock, so that a test can set the time by passing another clock.
 *
 * @returns seconds since the epoch, whole, as JWT's NumericDate wants them (RFC 7519 section 2).
 */
export type Clock = () => number;

/**
 * The system's time, in whole seconds since the epoch.
 *
 * @example
 * ```ts
 * import { systemClock, type Clock } from 'waybill';
 *
 * const inAnHour: Clock = () => systemClock() + 3600;
 * ```
 */
export const systemClock: Clock = () => Math.floor(Date.now() / 1000);

/**
 * Nobody sets it, so it never jumps. Its start means nothing: use it for durations, not for points in time.
 *
 * @returns seconds, with fractions.
 */
export const steadyClock: Clock = () => performance.now() / 1000;

/** @param seconds since the epoch. */
export function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
