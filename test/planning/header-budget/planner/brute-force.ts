/** The planner's problem by trying everything: every call embedded or moved, each moved one the root of its own tree. */
import type { TokenCall } from '../../../../src/planning/header-budget/planner/choose.ts';
import type { Weight } from '../../../../src/planning/header-budget/planner/pareto-front.ts';

/** @returns nothing where nothing fits. */
export function fewestRoundTrips(root: TokenCall): number | undefined {
  const calls = below(root);
  let best: number | undefined;
  for (let set = 0; set < 2 ** calls.length; set++) {
    const moved = new Set(calls.filter((_, at) => (set >> at) & 1));
    if ([...moved].some((call) => !call.movable)) continue;
    const cost = costOf(root, moved, false);
    if (cost !== undefined && (best === undefined || cost.roundTrips < best)) best = cost.roundTrips;
  }
  return best;
}

function below(call: TokenCall): TokenCall[] {
  return call.calls.flatMap((child) => [child, ...below(child)]);
}

function costOf(
  call: TokenCall,
  moved: ReadonlySet<TokenCall>,
  exchanged: boolean,
): { weight: Weight; roundTrips: number } | undefined {
  let [nested, packed, held, roundTrips] = [0, 0, 0, 0];
  let [embeds, moves] = [false, false];
  for (const child of call.calls) {
    const isMoved = moved.has(child);
    const below = costOf(child, moved, exchanged || isMoved);
    if (!below) return undefined;
    const added = isMoved ? child.entry : child.embedding;
    nested += added.nested + (isMoved ? 0 : below.weight.nested);
    packed += added.packed + (isMoved ? 0 : below.weight.packed);
    roundTrips += child.probability * (below.roundTrips + (isMoved ? 1 : 0));
    if (isMoved) [moves, held] = [true, held | child.held];
    else embeds = true;
  }
  const weight = call.weigh({ nested, packed, embeds, moves, held }, exchanged);
  return weight && { weight, roundTrips };
}
