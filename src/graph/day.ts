/** Days of the calendar in UTC, as graphs write them: `2027-03-31`. Such texts sort as the days do. */

const DAY_SECONDS = 86_400;

export function isDay(text: string): boolean {
  const start = startOf(text);
  return !Number.isNaN(start) && dayOf(start) === text;
}

/** @param seconds since the epoch. */
export function dayOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}

/** @returns seconds since the epoch at which the day is over. */
export function endOf(day: string): number {
  return startOf(day) + DAY_SECONDS;
}

/** @returns how many days after `day` the other one is; negative: before it. */
export function daysBetween(day: string, other: string): number {
  return (startOf(other) - startOf(day)) / DAY_SECONDS;
}

/** Seconds since the epoch; NaN for what is no day. */
export function startOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) / 1000;
}
