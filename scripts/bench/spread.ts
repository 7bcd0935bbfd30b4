/** Several measurements of the same thing, as they are reported: the median, and how far they lie apart. */

export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: quantile(values, 0.5), low: Math.min(...values), high: Math.max(...values) };
}

/** @param part of the values that lie below it: 0.5 is the median. Between two values it is interpolated. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const [below, above] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  if (below === undefined || above === undefined) throw new TypeError('nothing was measured');
  return below + (above - below) * (at - Math.floor(at));
}

/** Round by round, so that what slowed a whole round down cancels out. */
export function quotients(these: readonly number[], those: readonly number[], factor = 1): Spread {
  return spreadOf(these.map((value, round) => value / (factor * (those[round] ?? Number.NaN))));
}
