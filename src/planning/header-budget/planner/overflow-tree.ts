/**
 * A tree as the overflow planner sees it. In: the shape of the tree, the sizes of its tokens, the budget of every hop. Out:
 * the calls of the knapsack, each with the weight of its token for any load.
 */
import { getOrAdd } from '../../../get-or-add.ts';
import {
  actOf,
  audienceOf,
  isSealedBy,
  type Actor,
  type Branch,
  type ClaimPlan,
  type ServicePlan,
  type TokenBody,
  type TokenShape,
} from '../../../graph/index.ts';
import { packedLength, sealedBound } from '../../../token/index.ts';
import type { HopBudget, HopBudgets } from '../hop-budgets.ts';
import {
  EMBEDDED,
  ON_DEMAND,
  entryBytes,
  nameBytes,
  onDemandOf,
  type HeldClaims,
  type Measure,
} from '../measure.ts';
import type { PackedWeights, TokenWeights } from '../packed-weights.ts';
import type { Load, TokenCall } from './choose.ts';
import type { Weight } from './pareto-front.ts';

/** How the tokens of a tree are weighed. */
export interface Weighing {
  /** The chain of the token above the root. */
  readonly above: Actor;
  /** Tokens of the tree itself. */
  readonly own: Measure;
  /** Tokens that are fetched: their ids are longer. */
  readonly fetched: Measure;
  /** Digits of the largest number that a token can have. */
  readonly digits: number;
  /** Present where the tree is to travel packed. */
  readonly packed?: PackedWeighing | undefined;
}

/**
 * Packed sizes do not add up. The planner adds upper bounds, and then checks the real size of each tree that it makes.
 */
export interface PackedWeighing {
  /** Upper bounds of what each token adds, for these values or for any. */
  readonly weights: PackedWeights;
  /**
   * Bytes of the tree's root as declared. The planner first counts only this share of its sums, and then more until the
   * tree fits. Absent: it counts the whole sums, which always hold, also later for fetched trees.
   */
  readonly declared?: number | undefined;
  /** Whether every token of the tree fits. */
  readonly holds: (shape: TokenShape) => boolean;
}

export interface OverflowOptions {
  readonly budgets: HopBudgets;
  /** The most characters of any tree as a nested JWT. */
  readonly nested: number;
  readonly heldClaims: HeldClaims;
  /** What a tree may need of its subject. */
  readonly carriedClaims: HeldClaims;
  /** Whether every service is taken for one that can fetch tokens: for advice, never for issuing. Default: false. */
  readonly anyoneFetches?: boolean;
}

export interface OverflowTreeOptions extends OverflowOptions {
  readonly weighing: Weighing;
  /** The share of packed sums that counts. */
  readonly share: number;
  /** Whether a packed tree can be too large as a nested JWT. */
  readonly nestedBinds: boolean;
}

/** The position of a token in the tree. */
export interface Position {
  /** The token that embeds this one; absent for the root. */
  readonly caller?: { readonly shape: TokenShape; readonly weights: TokenWeights | undefined };
  /** The chain of the token above, or of what leads to the root. */
  readonly above: Actor;
  /** The sizes of its records; absent in a nested tree. */
  readonly weights: TokenWeights | undefined;
  /** Whether the token that embeds it travels packed. */
  readonly isPacked: boolean;
}

export type IncomingCall = Pick<Branch, 'calls' | 'probability'> & { readonly service: ServicePlan };

/** Further claims share one bit. */
const MAX_BITS = 6;

export class OverflowTree {
  readonly #options: OverflowTreeOptions;
  readonly #branches = new Map<TokenCall, Branch>();
  readonly #bits = new Map<ClaimPlan, number>();
  readonly #positions = new Map<TokenCall, Position>();

  constructor(options: OverflowTreeOptions) {
    this.#options = options;
  }

  branchOf(call: TokenCall): Branch | undefined {
    return this.#branches.get(call);
  }

  positionOf(call: TokenCall): Position {
    const at = this.#positions.get(call);
    if (!at) throw new TypeError('the call is of another tree');
    return at;
  }

  callFor(shape: TokenShape, { service, calls, probability }: IncomingCall, at: Position): TokenCall {
    const { budgets, anyoneFetches = false, nestedBinds } = this.#options;
    const { caller, weights } = at;
    const isSealed = isSealedBy(calls);
    // A service that accepts only JWTs gets a nested token, and one that opens a sealed one; so do all below it.
    const isPacked = at.isPacked && !isSealed && service.accepts === 'any';
    const isNestedCounted = !at.isPacked || nestedBinds;
    const act = actOf(shape, at.above);
    const below = this.#below(shape, weights, isPacked, act ?? at.above);
    const passes = this.#passes(budgets.budgetForToken(shape, calls), isPacked ? weights : undefined);
    const weightOf = this.#weight(shape, weights, { isPacked, isSealed }, act);
    const call: TokenCall = {
      calls: below,
      probability,
      movable: caller !== undefined && (anyoneFetches || caller.shape.service.auth !== undefined),
      embedding: { nested: isNestedCounted ? nameBytes(service.name) : 0, packed: 0 },
      entry: {
        nested: isNestedCounted ? entryBytes(service.name, audienceOf(service)) : 0,
        packed: caller?.weights?.entry(service.name) ?? 0,
      },
      held: caller ? this.#bitsOf(this.#missingClaims(caller.shape.body, shape.body)) : 0,
      weigh: (load, exchanged) => {
        const weight = weightOf(load, exchanged);
        if (!passes(weight, load.embeds)) return undefined;
        return isNestedCounted ? weight : { nested: 0, packed: weight.packed };
      },
    };
    this.#positions.set(call, at);
    return call;
  }

  /** @param weights of a token that travels packed. */
  #passes(
    { limit = Infinity }: HopBudget,
    weights: TokenWeights | undefined,
  ): (weight: Weight, embeds: boolean) => boolean {
    const { nested: most, share } = this.#options;
    const first = weights?.first ?? 0;
    return ({ nested, packed }, embeds) => {
      if (nested > most) return false;
      return weights && embeds ? Math.ceil(packedLength(packed + first) * share) <= limit : nested <= limit;
    };
  }

  #below(shape: TokenShape, weights: TokenWeights | undefined, isPacked: boolean, above: Actor): TokenCall[] {
    const caller = { shape, weights };
    return shape.branches.flatMap((branch): TokenCall[] => {
      if (!branch.shape || !branch.service) return [];
      const at = { caller, above, weights: weights?.children.get(branch), isPacked };
      const call = this.callFor(branch.shape, { ...branch, service: branch.service }, at);
      this.#branches.set(call, branch);
      return [call];
    });
  }

  #weight(
    shape: TokenShape,
    weights: TokenWeights | undefined,
    { isPacked, isSealed }: { readonly isPacked: boolean; readonly isSealed: boolean },
    act: Actor | undefined,
  ): (load: Load, exchanged: boolean) => Weight {
    const { own, fetched, digits } = this.#options.weighing;
    const fetchedAlready = onDemandOf(shape.body);
    const entries = entriesOf(fetchedAlready);
    const bases = [own, fetched].map((measure) => measure.own(shape, digits, act) + entries);
    const record = weights ? weights.record + weights.declaredOnDemand : 0;
    const onDemand = fetchedAlready.length > 0 ? 0 : (weights?.onDemand ?? 0);
    const held = this.#held(shape.body, weights);
    // Loads do not count it here: a token without children has all its calls on demand.
    const uncounted = isPacked && !this.#options.nestedBinds ? entriesOf(embeddedBy(shape)) : 0;
    return (load, exchanged) => {
      const kept = held(load.held);
      const moves = load.moves || fetchedAlready.length > 0 ? ON_DEMAND : 0;
      const loaded = load.embeds ? EMBEDDED + load.nested : load.moves ? load.nested + uncounted : 0;
      const nested = own.signed(bases[exchanged ? 1 : 0]! + moves + kept.nested + loaded);
      if (isSealed) {
        const sealed = own.sealedAtWorst(shape.body, nested);
        return { nested: sealed, packed: sealedBound(shape.service.name, sealed) };
      }
      return {
        nested,
        packed: record + kept.packed + load.packed + (load.moves ? onDemand : 0),
      };
    };
  }

  /** Weight of `held`, by the claims that moved calls need beside the token's own deferred claims. */
  #held(body: TokenBody, weights: TokenWeights | undefined): (bits: number) => Weight {
    const known = new Map<number, Weight>();
    const always = this.#options.heldClaims(body);
    return (bits) =>
      getOrAdd(known, bits, () => {
        const needed = [...this.#bits].filter(([, bit]) => (bits & bit) !== 0).map(([claim]) => claim);
        const carried = new Set(body.claims.map(({ claim }) => claim));
        const claims = [...new Set([...always, ...needed.filter((claim) => !carried.has(claim))])];
        return { nested: this.#options.weighing.own.held(claims, body), packed: weights?.held(claims) ?? 0 };
      });
  }

  /** The subject's claims that a callee's tree needs and its caller's token does not carry. */
  #missingClaims(caller: TokenBody, callee: TokenBody): ClaimPlan[] {
    const carried = new Set(caller.claims.map(({ claim }) => claim));
    return this.#options.carriedClaims(callee).filter((claim) => !carried.has(claim));
  }

  #bitsOf(claims: readonly ClaimPlan[]): number {
    let bits = 0;
    for (const claim of claims) {
      const bit = getOrAdd(this.#bits, claim, () => 1 << Math.min(this.#bits.size, MAX_BITS));
      bits |= bit;
    }
    return bits;
  }
}

/** Whether a tree can be too large as a nested JWT, whatever calls are moved. */
export function canBeTooLarge(
  root: TokenShape,
  { above, own, fetched, digits }: Weighing,
  options: OverflowOptions,
): boolean {
  const carriedClaims = options.carriedClaims(root.body);
  const most = (shape: TokenShape, chain: Actor): number => {
    const act = actOf(shape, chain);
    const held = new Set([...options.heldClaims(shape.body), ...carriedClaims]);
    const fixed = fetched.own(shape, digits, act) + own.held([...held], shape.body) + EMBEDDED + ON_DEMAND;
    const calls = shape.branches.map(({ shape: child, service, seal }) => {
      if (!child || !service) return 0;
      const bytes = most(child, act ?? chain);
      return Math.max(
        entryBytes(service.name, audienceOf(service)),
        nameBytes(service.name) + (seal ? own.sealedAtWorst(child.body, bytes) : bytes),
      );
    });
    return own.signed(
      fixed + entriesOf(onDemandOf(shape.body)) + calls.reduce((sum, bytes) => sum + bytes, 0),
    );
  };
  return most(root, above) > options.nested;
}

type Entries = readonly (readonly [callee: string, audience: string | readonly string[]])[];

function entriesOf(entries: Entries): number {
  return entries.reduce((sum, [callee, audience]) => sum + entryBytes(callee, audience), 0);
}

function embeddedBy({ branches }: TokenShape): Entries {
  return branches.flatMap(({ shape, service }) =>
    shape && service ? [[service.name, audienceOf(service)] as const] : [],
  );
}
