/** What is said of a name that does not exist: the nearest of those that do, and that no name is a pattern. */
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

/** Whether someone meant several names by it: a star, or a regular expression between slashes. */
export function looksLikePattern(name: string): boolean {
  return name.includes('*') || /^\/.*\/[a-z]*$/.test(name);
}

/** The end of a sentence that says that a name does not exist. */
export function orPattern(name: string): string {
  return looksLikePattern(name) ? ': names are compared exactly, and are no patterns.' : '.';
}
