/**
 * Chooses the embedded calls of a tree that become exchanges, so that every token fits its hop: a knapsack on a tree. In:
 * the tokens of a tree, the size of each with and without each child, and how often each call is made. Out: the calls to
 * move, with the fewest expected round trips.
 *
 * A moved call costs a round trip as often as it is made. Its callee's token becomes the root of a tree of its own, which
 * must fit the same hop, can itself move calls, and has longer ids. Of each subtree only the Pareto front of weight and
 * cost counts. It is worked out from the leaves up, so no choice is tried twice.
 */
import { getOrAdd } from '../../../get-or-add.ts';
import { thinned, paretoFront, paretoFrontOfPairs, type Point, type Weight } from './pareto-front.ts';

/** One call of the tree and the token that it carries. */
export interface TokenCall {
  /** The calls that the token's service makes. */
  readonly calls: readonly TokenCall[];
  /** How often it is made, given that its caller runs: from 0 to 1. */
  readonly probability: number;
  /** Whether its caller can authenticate, and so fetch the token instead. */
  readonly movable: boolean;
  /** Weight that its token adds to the caller's beside its own: the callee's name. */
  readonly embedding: Weight;
  /** Weight that the caller's token gets instead if the call is moved: an entry of `on_demand`. */
  readonly entry: Weight;
  /** Deferred claims that the caller's token needs if the call is moved: a set of bits. */
  readonly held: number;
  /**
   * More load never weighs less.
   *
   * @param exchanged whether the tree comes by exchange: ids are longer.
   * @returns the weight that the token adds to its caller's; nothing if it does not fit its hop.
   */
  weigh(load: Load, exchanged: boolean): Weight | undefined;
}

/** Weight of the children and entries of a token. */
export interface Load extends Weight {
  /** Whether it embeds any token. */
  readonly embeds: boolean;
  /** Whether it has entries of `on_demand` for calls that were moved. */
  readonly moves: boolean;
  readonly held: number;
}

export interface Choice {
  /** The moved calls of this tree; those of fetched trees are not among them. */
  readonly moved: ReadonlySet<TokenCall>;
  /** Expected round trips in one request for moved calls, also those of fetched trees. */
  readonly roundTrips: number;
  /** The optimality gap: how many round trips fewer the best choice could take; 0 if this is the best. */
  readonly gap: number;
}

/** How the children of a token were chosen, the last one first. */
interface Trail {
  readonly before: Trail | undefined;
  readonly call: TokenCall;
  /** How the child is planned; absent where it is moved. */
  readonly child: SubtreePlan | undefined;
}
type SubtreePlan = Point<Trail | undefined>;

/** Of so few calls every plan can be kept. */
const FEW = 12;
const MANY_POINTS = 512;
/** Two fronts are combined pair by pair; larger ones are thinned first. */
const MAX_PAIRS = 1 << FEW;
const THIN = 64;

export interface ChoiceOptions {
  /** Whether the tree comes by exchange itself. Default: false. */
  readonly exchanged?: boolean;
  /** How many plans of one subtree are kept. Default: all of them for up to 12 calls, 512 for more. */
  readonly points?: number;
}

/** @returns nothing where no choice makes every token fit. */
export function chooseEmbedded(root: TokenCall, options: ChoiceOptions = {}): Choice | undefined {
  const { exchanged = false, points = countCalls(root) <= FEW ? 2 ** FEW : MANY_POINTS } = options;
  const [best, least] = bestOf(new Chooser(points).front(root, exchanged));
  if (!best) return undefined;
  const moved = new Set<TokenCall>();
  collect(best, moved);
  return { moved, roundTrips: best.cost, gap: best.cost - least };
}

function countCalls({ calls }: TokenCall): number {
  return calls.reduce((sum, call) => sum + 1 + countCalls(call), 0);
}

/** The cheapest plan, of equal ones the lightest; and the cost that the best of all could have. */
function bestOf(front: readonly SubtreePlan[]): readonly [SubtreePlan | undefined, number] {
  let best: SubtreePlan | undefined;
  let least = Infinity;
  for (const plan of front) {
    if (!best || plan.cost < best.cost) best = plan;
    least = Math.min(least, plan.cost - plan.gap);
  }
  return [best, least];
}

function collect({ trail }: SubtreePlan, moved: Set<TokenCall>): void {
  for (let step = trail; step; step = step.before) {
    if (step.child) collect(step.child, moved);
    else moved.add(step.call);
  }
}

/** Loads by their kind, one number: two flags, then the deferred claims. */
type Loads = Map<number, readonly SubtreePlan[]>;
const EMBEDS = 1;
const MOVES = 2;
const HELD = 2;

const NOTHING: SubtreePlan = { nested: 0, packed: 0, cost: 0, gap: 0, trail: undefined };

class Chooser {
  readonly #most: number;
  readonly #embedded = new Map<TokenCall, readonly SubtreePlan[]>();
  readonly #exchanged = new Map<TokenCall, readonly SubtreePlan[]>();

  constructor(most: number) {
    this.#most = most;
  }

  /** The plans of a call's token that fit its hop. */
  front(call: TokenCall, exchanged: boolean): readonly SubtreePlan[] {
    const known = exchanged ? this.#exchanged : this.#embedded;
    return getOrAdd(known, call, () => this.#make(call, exchanged));
  }

  #make(call: TokenCall, exchanged: boolean): readonly SubtreePlan[] {
    let loads: Loads = new Map([[0, [NOTHING]]]);
    for (const child of call.calls) {
      loads = this.#with(loads, child, exchanged);
      for (const [kind, points] of loads) {
        const fitting =
          (kind & EMBEDS) === 0 ? points : points.filter((point) => weighed(call, kind, point, exchanged));
        loads.set(kind, thinned(fitting, this.#most));
      }
    }
    const plans = [...loads].flatMap(([kind, points]) =>
      points.flatMap((point): SubtreePlan[] => {
        const weight = weighed(call, kind, point, exchanged);
        return weight ? [{ ...point, ...weight }] : [];
      }),
    );
    return thinned(paretoFront(plans), this.#most);
  }

  /** Every load with one more child: embedded in each plan that fits, or moved. */
  #with(loads: Loads, call: TokenCall, exchanged: boolean): Loads {
    const options = this.front(call, exchanged);
    const fetch = call.movable ? this.#fetched(call) : undefined;
    const next = new Map<number, SubtreePlan[]>();
    const take = (kind: number, plans: readonly SubtreePlan[]): void => {
      getOrAdd(next, kind, () => []).push(...plans);
    };
    for (const [kind, points] of loads) {
      if (options.length > 0) {
        const [fewer, choices] = fewEnough(points, options);
        const join = (point: SubtreePlan, child: SubtreePlan, gap: number): SubtreePlan =>
          plus(point, { call, child }, gap);
        take(kind | EMBEDS, paretoFrontOfPairs(fewer, choices, { share: call.probability, join }));
      }
      if (fetch)
        take(
          kind | MOVES | (call.held << HELD),
          points.map((point) => moved(point, call, fetch)),
        );
    }
    return new Map([...next].map(([kind, plans]) => [kind, paretoFront(plans)]));
  }

  /** The expected cost of one fetch, itself counted; nothing if the fetched token does not fit either. */
  #fetched(call: TokenCall): { cost: number; gap: number } | undefined {
    const [best, least] = bestOf(this.front(call, true));
    return best && { cost: 1 + best.cost, gap: best.cost - least };
  }
}

/** The weight of the token with this load, if it fits its hop. */
function weighed(
  call: TokenCall,
  kind: number,
  { nested, packed }: Weight,
  exchanged: boolean,
): Weight | undefined {
  const [embeds, moves] = [(kind & EMBEDS) !== 0, (kind & MOVES) !== 0];
  return call.weigh({ nested, packed, embeds, moves, held: kind >>> HELD }, exchanged);
}

function fewEnough(
  points: readonly SubtreePlan[],
  options: readonly SubtreePlan[],
): readonly [readonly SubtreePlan[], readonly SubtreePlan[]] {
  if (points.length * options.length <= MAX_PAIRS) return [points, options];
  return [thinned(points, Math.max(THIN, Math.floor(MAX_PAIRS / options.length))), thinned(options, THIN)];
}

function plus(
  point: SubtreePlan,
  { call, child }: { readonly call: TokenCall; readonly child: SubtreePlan },
  gap: number,
): SubtreePlan {
  const { probability, embedding } = call;
  return {
    nested: point.nested + embedding.nested + child.nested,
    packed: point.packed + embedding.packed + child.packed,
    cost: point.cost + probability * child.cost,
    gap,
    trail: { before: point.trail, call, child },
  };
}

function moved(point: SubtreePlan, call: TokenCall, fetch: { cost: number; gap: number }): SubtreePlan {
  const { probability, entry } = call;
  return {
    nested: point.nested + entry.nested,
    packed: point.packed + entry.packed,
    cost: point.cost + probability * fetch.cost,
    gap: point.gap + probability * fetch.gap,
    trail: { before: point.trail, call, child: undefined },
  };
}
