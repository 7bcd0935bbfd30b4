/** Which of two operations of different scopes a request belongs to that both accept. */
import { isWithin, overlap } from './overlap.ts';
import type { HttpOperation } from './pattern.ts';

/**
 * Whether requests that both accept belong to `other` alone: `more-exact` if `other` accepts a part of what `operation`
 * accepts, `neither` if neither is the more exact, so that nobody gets them. Undefined: they stay with `operation`.
 *
 * @param own all operations of the scope of `operation`.
 */
export function takesAway(
  other: HttpOperation,
  operation: HttpOperation,
  own: readonly HttpOperation[],
): 'more-exact' | 'neither' | undefined {
  if (!overlap(operation, other) || isWithin(operation, other)) return undefined;
  // The scope names these requests itself, with another operation that is as exact.
  if (own.some((one) => isWithin(other, one) && isWithin(one, other))) return undefined;
  return isWithin(other, operation) ? 'more-exact' : 'neither';
}
