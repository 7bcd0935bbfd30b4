/**
 * What is worth keeping of many ways to plan a subtree: no way is kept that another one beats in weight and in round
 * trips. In: points. Out: the points that nothing beats, by weight; thinned, with an account of what that may cost,
 * where they are too many.
 */

/** What a token weighs with all that it embeds. */
export interface Weight {
  /** Characters as a nested JWT. */
  readonly nested: number;
  /** Bytes in a packed bundle, before base64url; 0 where nothing is packed. */
  readonly packed: number;
}

/** One way to plan a subtree. */
export interface Point<Trail> extends Weight {
  /** Round trips that its holder and those below are expected to make. */
  readonly cost: number;
  /** By how much a way that was not kept, and that weighs no less than this one, could be better. */
  readonly doubt: number;
  /** How it came about. */
  readonly trail: Trail;
}

/** By weight, then by cost: of two that weigh the same the better one comes first. */
function byWeight(a: Point<unknown>, b: Point<unknown>): number {
  return a.nested - b.nested || a.packed - b.packed || a.cost - b.cost;
}

/** The points that no other one beats in weight and cost, sorted. Of equal ones the first stays. */
export function unbeaten<P extends Point<unknown>>(points: P[]): P[] {
  points.sort(byWeight);
  const kept: P[] = [];
  // For every packed weight so far the best cost: indices of `kept`, packed weights rising, costs falling.
  const stairs: number[] = [];
  for (const point of points) {
    let at = stairs.length;
    while (at > 0 && kept[stairs[at - 1]!]!.packed > point.packed) at--;
    const beating = at > 0 ? stairs[at - 1]! : -1;
    if (beating >= 0 && kept[beating]!.cost <= point.cost) {
      kept[beating] = covering(kept[beating]!, point);
      continue;
    }
    let end = at;
    while (end < stairs.length && kept[stairs[end]!]!.cost >= point.cost) end++;
    stairs.splice(at, end - at, kept.push(point) - 1);
  }
  return kept;
}

/** The point that stays in the place of another one: it may be worse than what the other one stood for. */
function covering<P extends Point<unknown>>(point: P, other: P): P {
  const doubt = point.cost - (other.cost - other.doubt);
  return doubt > point.doubt ? { ...point, doubt } : point;
}

/**
 * At most about so many points, spread evenly. Every point that goes is covered by one that stays and weighs no more;
 * what that one may be worse is added to its doubt.
 *
 * @param points sorted, as `unbeaten` gives them.
 */
export function thinned<P extends Point<unknown>>(points: readonly P[], most: number): readonly P[] {
  if (points.length <= most) return points;
  const stride = points.length / most;
  const kept: P[] = [];
  for (const [index, point] of points.entries()) {
    const isNext = index === points.length - 1 || Math.floor(index / stride) >= kept.length;
    const cover = isNext ? -1 : kept.findLastIndex(({ packed }) => packed <= point.packed);
    if (cover < 0) {
      kept.push(point);
      continue;
    }
    kept[cover] = covering(kept[cover]!, point);
  }
  return kept;
}
