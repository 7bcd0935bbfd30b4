/** "Did you mean": the nearest of the names that exist. */
import { distance } from 'fastest-levenshtein';

/** Beyond this many candidates the search would cost more than the hint is worth. */
const MAX_CANDIDATES = 20_000;
/** Nobody mistypes a name of this length; comparing two such takes time in the product of their lengths. */
const MAX_LENGTH = 256;

/** @returns a hint for a name that does not exist; empty where no known name is near. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const near = nearest(name, known);
  return near === undefined ? '' : `Did you mean ${near}?`;
}

export function nearest(name: string, known: Iterable<string>): string | undefined {
  if (name.length > MAX_LENGTH) return undefined;
  let best: string | undefined;
  // A name that shares no letter is not near, however short.
  let bestDistance = Math.min(Math.max(2, Math.floor(name.length / 3)) + 1, name.length);
  let seen = 0;
  for (const candidate of known) {
    if (++seen > MAX_CANDIDATES) break;
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const found = distance(name.toLowerCase(), candidate.toLowerCase());
    if (found < bestDistance) [best, bestDistance] = [candidate, found];
  }
  return best;
}
