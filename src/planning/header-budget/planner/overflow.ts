/**
 * The overflow planner: makes a tree fit whose tokens are too large for a hop. In: the shape of the tree, the sizes of its
 * tokens, the budget of every hop. Out: a shape in which some embedded calls have become exchanges.
 */
import {
  withBranches,
  type Actor,
  type Branch,
  type CallPlan,
  type ServicePlan,
  type TokenShape,
} from '../../../graph/index.ts';
import { isPackable } from '../coding.ts';
import type { TokenWeights } from '../packed-weights.ts';
import { chooseEmbedded, type TokenCall } from './choose.ts';
import {
  OverflowTree,
  canBeTooLarge,
  type Position,
  type OverflowOptions,
  type IncomingCall,
  type PackedWeighing,
  type OverflowTreeOptions,
  type Weighing,
} from './overflow-tree.ts';

/** A tree that fits all hops. */
export interface Overflow {
  readonly shape: TokenShape;
  /** The calls that were embedded and are fetched now. */
  readonly moved: readonly MovedCall[];
  /** Expected round trips for them in one request. */
  readonly roundTrips: number;
  /** The optimality gap: by how many the fewest round trips could be fewer; 0 if these are the fewest. */
  readonly gap: number;
}

export interface MovedCall {
  readonly caller: ServicePlan;
  /** As in the tree that fits. */
  readonly branch: Branch;
}

/**
 * @param calls the calls that lead to the root.
 * @returns nothing where no choice makes every token fit.
 */
export function planOverflow(
  root: TokenShape,
  calls: readonly CallPlan[],
  weighing: Weighing,
  options: OverflowOptions,
): Overflow | undefined {
  const { packed } = weighing;
  if (packed && isPackable(root.body)) return planPacked(root, calls, weighing, packed, options);
  const tree = new OverflowTree({ ...options, weighing, share: 1, nestedBinds: true });
  return choose(root, calls, tree, weighing.above, undefined)?.overflow;
}

/** Nested sizes rarely matter: they count only if the choice without them can be too large. */
function planPacked(
  root: TokenShape,
  calls: readonly CallPlan[],
  weighing: Weighing,
  packed: PackedWeighing,
  options: OverflowOptions,
): Overflow | undefined {
  const choice = choosePacked(root, calls, packed, { ...options, weighing, nestedBinds: false });
  if (!choice) return undefined;
  const own = { shape: choice.overflow.shape, at: { above: weighing.above } };
  const isTooLarge = [own, ...choice.fetched].some(({ shape, at }) =>
    canBeTooLarge(shape, { ...weighing, above: at.above }, options),
  );
  if (!isTooLarge) return choice.overflow;
  return choosePacked(root, calls, packed, { ...options, weighing, nestedBinds: true })?.overflow;
}

/** Counts more and more of the sums until the tree and all fetched trees really fit. */
function choosePacked(
  root: TokenShape,
  calls: readonly CallPlan[],
  { weights, declared, holds }: PackedWeighing,
  options: Omit<OverflowTreeOptions, 'share'>,
): Chosen | undefined {
  const share = declared === undefined ? 1 : Math.min(1, declared / weights.root.declared);
  for (const counted of new Set([share, (1 + share) / 2, 1])) {
    const tree = new OverflowTree({ ...options, share: counted });
    const choice = choose(root, calls, tree, options.weighing.above, weights.root);
    if (!choice || !holds(choice.overflow.shape)) continue;
    const whole = new OverflowTree({ ...options, share: 1 });
    if (counted === 1 || choice.fetched.every((tree) => isFetchable(tree, whole))) return choice;
  }
  return undefined;
}

interface Chosen {
  readonly overflow: Overflow;
  readonly fetched: readonly FetchedTree[];
}

/** A subtree that is fetched. */
interface FetchedTree {
  readonly shape: TokenShape;
  readonly hop: IncomingCall;
  readonly at: Position;
}

/** Whether a subtree fits by the whole sums when it is fetched, perhaps with calls of its own moved. */
function isFetchable({ shape, hop, at }: FetchedTree, tree: OverflowTree): boolean {
  const call = tree.callFor(shape, hop, at);
  return chooseEmbedded(call, { exchanged: true }) !== undefined;
}

/** @param weights of a tree that travels packed. */
function choose(
  root: TokenShape,
  calls: readonly CallPlan[],
  tree: OverflowTree,
  above: Actor,
  weights: TokenWeights | undefined,
): Chosen | undefined {
  const hop = { service: root.service, calls, probability: 1 };
  const call = tree.callFor(root, hop, { above, weights, isPacked: weights !== undefined });
  const choice = chooseEmbedded(call);
  if (!choice) return undefined;
  const moved: MovedCall[] = [];
  const fetched: FetchedTree[] = [];
  const rebuilt = (shape: TokenShape, { calls }: TokenCall): TokenShape => {
    const below = new Map(calls.map((child) => [tree.branchOf(child), child]));
    const branches = shape.branches.map((branch): Branch => {
      const child = below.get(branch);
      if (!child || !branch.shape) return branch;
      if (!choice.moved.has(child)) return { ...branch, shape: rebuilt(branch.shape, child) };
      const late: Branch = { ...branch, mode: 'exchange', shape: undefined };
      moved.push({ caller: shape.service, branch: late });
      const hopOf = { ...branch, service: branch.shape.service };
      fetched.push({ shape: branch.shape, hop: hopOf, at: tree.positionOf(child) });
      return late;
    });
    return withBranches(shape, branches);
  };
  const { roundTrips, gap } = choice;
  return { overflow: { shape: rebuilt(root, call), moved, roundTrips, gap }, fetched };
}
