/** Decides whether what was seen contradicts a declared probability. */

/** Smaller differences are ignored: they change no decision. */
const SMALL = 0.1;
/** 99 % of a normal distribution. */
const Z = 2.576;

/**
 * @param calling runs that made the call.
 * @returns whether the declared share is outside the Wilson score interval of the seen one by more than `SMALL`.
 */
export function contradictsProbability(declared: number, calling: number, runs: number): boolean {
  if (runs <= 0) return false;
  const seen = Math.min(1, calling / runs);
  if (Math.abs(declared - seen) < SMALL) return false;
  const squared = Z * Z;
  const centre = (seen + squared / (2 * runs)) / (1 + squared / runs);
  const spread =
    (Z / (1 + squared / runs)) * Math.sqrt((seen * (1 - seen)) / runs + squared / (4 * runs * runs));
  return Math.abs(declared - centre) > spread;
}
