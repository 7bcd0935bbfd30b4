/**
 * The Pareto front of the plans of a subtree: the points that no other point beats in weight and in round trips. In:
 * points. Out: the front, by weight. A front that is too large is thinned, and its points say how large the optimality
 * gap can be.
 */

/** Size of a token with all that it embeds: whole numbers. */
export interface Weight {
  /** Characters as a nested JWT. */
  readonly nested: number;
  /** Bytes in a packed bundle, before base64url; 0 where nothing is packed. */
  readonly packed: number;
}

/** One plan of a subtree. */
export interface Point<Trail> extends Weight {
  /** Expected round trips of its service and of those below. */
  readonly cost: number;
  /** The optimality gap: by how much a dropped plan that weighs no less could be better. */
  readonly gap: number;
  /** The choices that led to it. */
  readonly trail: Trail;
}

/** By weight, then by cost: of two that weigh the same the better one comes first. */
function byWeight(a: Point<unknown>, b: Point<unknown>): number {
  return a.nested - b.nested || a.packed - b.packed || a.cost - b.cost;
}

/** Sorts the points and drops those that another one beats. Of equal ones the first stays. */
export function paretoFront<P extends Point<unknown>>(points: P[]): P[] {
  points.sort(byWeight);
  const numbers = new Numbers(points.length);
  for (const [index, { packed, cost, gap }] of points.entries()) numbers.set(index, packed, cost, gap);
  return numbers.front(points.keys()).map((index) => {
    const point = points[index]!;
    const gap = numbers.gap(index);
    return gap > point.gap ? { ...point, gap } : point;
  });
}

/** How the points of two fronts are combined. */
interface Pairing<P, Q, R> {
  /** How much the second point's cost counts beside the first one's. */
  readonly share: number;
  readonly join: (first: P, second: Q, gap: number) => R;
}

/**
 * The Pareto front of all pairs of two fronts. Most pairs are beaten, so they are compared as plain numbers and only those
 * that stay are joined.
 */
export function paretoFrontOfPairs<
  P extends Point<unknown>,
  Q extends Point<unknown>,
  R extends Point<unknown>,
>(firsts: readonly P[], seconds: readonly Q[], { share, join }: Pairing<P, Q, R>): R[] {
  const pairs = firsts.length * seconds.length;
  const numbers = new Numbers(pairs);
  const order = new Float64Array(pairs);
  const isNested = firsts.some(({ nested }) => nested > 0) || seconds.some(({ nested }) => nested > 0);
  let pair = 0;
  for (const first of firsts) {
    for (const second of seconds) {
      const packed = first.packed + second.packed;
      numbers.set(pair, packed, first.cost + share * second.cost, first.gap + share * second.gap);
      order[pair] = (isNested ? first.nested + second.nested : packed) * pairs + pair;
      pair++;
    }
  }
  order.sort();
  for (const [place, key] of order.entries()) order[place] = key % pairs;
  return numbers
    .front(order)
    .map((index) =>
      join(firsts[Math.floor(index / seconds.length)]!, seconds[index % seconds.length]!, numbers.gap(index)),
    );
}

/** The numbers of many points, to compare them fast. */
class Numbers {
  readonly #packed: Float64Array;
  readonly #cost: Float64Array;
  /** The lowest cost of the plans that a point stands for. */
  readonly #least: Float64Array;

  constructor(count: number) {
    this.#packed = new Float64Array(count);
    this.#cost = new Float64Array(count);
    this.#least = new Float64Array(count);
  }

  set(index: number, packed: number, cost: number, gap: number): void {
    this.#packed[index] = packed;
    this.#cost[index] = cost;
    this.#least[index] = cost - gap;
  }

  gap(index: number): number {
    return this.#cost[index]! - this.#least[index]!;
  }

  /** @param order by nested weight, and by packed weight where that is all. */
  front(order: Iterable<number>): number[] {
    const [packed, cost, least] = [this.#packed, this.#cost, this.#least];
    const kept: number[] = [];
    // For every packed weight so far the best cost: packed weights rising, costs falling.
    const stairs: number[] = [];
    for (const index of order) {
      const at = stepAbove(stairs, packed, packed[index]!);
      const beating = stairs[at - 1];
      if (beating !== undefined && cost[beating]! <= cost[index]!) {
        // It replaces this one, and may be worse than the plans that this one stands for.
        least[beating] = Math.min(least[beating]!, least[index]!);
        continue;
      }
      kept.push(index);
      let end = at;
      while (end < stairs.length && cost[stairs[end]!]! >= cost[index]!) end++;
      if (at === stairs.length) stairs.push(index);
      else stairs.splice(at, end - at, index);
    }
    return kept;
  }
}

/** @returns how many steps are no heavier. */
function stepAbove(stairs: readonly number[], packed: Float64Array, weight: number): number {
  let [low, high] = [0, stairs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (packed[stairs[middle]!]! <= weight) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A point that replaces another one: it may be worse than the plans that the other one stands for. */
function covering<P extends Point<unknown>>(point: P, other: P): P {
  const gap = point.cost - (other.cost - other.gap);
  return gap > point.gap ? { ...point, gap } : point;
}

/**
 * Keeps about this number of points, spread evenly. Every dropped point is replaced by one that weighs no more; how much worse
 * that one can be is added to its gap.
 *
 * @param points sorted, as `paretoFront` returns them.
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
