/**
 * A tree that is too large for a hop, made to fit. In: the shape of the tree, what its tokens weigh, the room on every
 * hop. Out: a shape in which some calls are left to be fetched on demand.
 */
import {
  withBranches,
  type Branch,
  type CallPlan,
  type ClaimPlan,
  type ServicePlan,
  type TokenBody,
  type TokenShape,
} from '../../graph/index.ts';
import { travelsPacked } from '../coding.ts';
import { fits, type HopBudgets } from '../hop.ts';
import {
  EMBEDDED,
  ON_DEMAND,
  entryBytes,
  nameBytes,
  onDemandOf,
  type HeldClaims,
  type Measure,
} from '../measure.ts';
import { PackedWeights } from '../packed-weights.ts';
import { chooseEmbedded, type Load, type PlannedToken, type TokenCall } from './choose.ts';
import type { Weight } from './front.ts';

/** How the tokens of a tree are weighed. */
export interface Weighing {
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
 * Packed sizes do not add up: the planner counts with what each token adds at most, and is told of each tree that it
 * makes what it really is.
 */
export interface PackedWeighing {
  /**
   * Bytes of the tree's root as it is declared. The planner counts with this share of its sums first, and with more of
   * them until the tree holds. Absent: with the whole sums alone, which always hold, also later for what is fetched.
   */
  readonly declared?: number | undefined;
  /** Whether every token of the tree fits. */
  readonly holds: (shape: TokenShape) => boolean;
}

export interface FitterOptions {
  readonly budgets: HopBudgets;
  /** The most characters of any tree as a nested JWT. */
  readonly nested: number;
  readonly heldClaims: HeldClaims;
  /** What a tree may need of its subject. */
  readonly subjectClaims: HeldClaims;
  /** Whether every service is taken for one that can fetch tokens: for advice, never for issuing. Default: false. */
  readonly anyoneFetches?: boolean;
}

/** A tree that fits everywhere. */
export interface Fitted {
  readonly shape: TokenShape;
  /** The calls that were embedded and are fetched now. */
  readonly moved: readonly MovedCall[];
  /** Round trips that one request is expected to make for them. */
  readonly roundTrips: number;
  /** By how much the fewest round trips could be fewer; 0 where these are the fewest. */
  readonly gap: number;
}

export interface MovedCall {
  readonly caller: ServicePlan;
  /** As it stands in the tree that fits. */
  readonly branch: Branch;
}

/** Claims beyond so many are weighed as one. */
const MAX_BITS = 6;

export class Fitter {
  readonly #options: FitterOptions;

  constructor(options: FitterOptions) {
    this.#options = options;
  }

  /**
   * @param calls the calls that lead to the root.
   * @returns nothing where no choice makes every token fit.
   */
  fit(root: TokenShape, calls: readonly CallPlan[], weighing: Weighing): Fitted | undefined {
    if (!weighing.packed) return this.#choose(root, calls, weighing, undefined)?.fitted;
    const packed = this.#fitPacked(root, calls, weighing, weighing.packed);
    // A service that reads bare JWTs alone could embed if the whole tree went nested.
    if (travelsPacked('packed', root)) return packed;
    const nested = this.#choose(root, calls, weighing, undefined)?.fitted;
    return packed && nested && packed.roundTrips <= nested.roundTrips ? packed : (nested ?? packed);
  }

  /** Counts with ever more of the sums until the tree really fits, and with it all that is fetched. */
  #fitPacked(
    root: TokenShape,
    calls: readonly CallPlan[],
    weighing: Weighing,
    { declared, holds }: PackedWeighing,
  ): Fitted | undefined {
    const weights = new PackedWeights(root, weighing.fetched);
    const whole = { weights, share: 1 };
    const share = declared === undefined ? 1 : Math.min(1, declared / sumOf(root, weights));
    for (const counted of new Set([share, (1 + share) / 2, 1])) {
      const choice = this.#choose(root, calls, weighing, { weights, share: counted });
      if (!choice || !holds(choice.fitted.shape)) continue;
      const fetchable = choice.left.every(({ shape, hop, caller }) => {
        const sketch = new Sketch(this.#options, weighing, whole);
        return chooseEmbedded(sketch.call(shape, hop, caller), { exchanged: true }) !== undefined;
      });
      if (counted === 1 || fetchable) return choice.fitted;
    }
    return undefined;
  }

  #choose(
    root: TokenShape,
    calls: readonly CallPlan[],
    weighing: Weighing,
    packed: PackedCount | undefined,
  ): { readonly fitted: Fitted; readonly left: readonly LeftOut[] } | undefined {
    const sketch = new Sketch(this.#options, weighing, packed);
    const call = sketch.call(root, { service: root.service, calls, probability: 1 }, undefined);
    const choice = chooseEmbedded(call);
    if (!choice) return undefined;
    const moved: MovedCall[] = [];
    const left: LeftOut[] = [];
    const rebuilt = (shape: TokenShape, { token }: TokenCall): TokenShape => {
      const below = new Map(token.calls.map((child) => [sketch.branchOf(child), child]));
      const branches = shape.branches.map((branch): Branch => {
        const child = below.get(branch);
        if (!child || !branch.shape) return branch;
        if (!choice.moved.has(child)) return { ...branch, shape: rebuilt(branch.shape, child) };
        const late: Branch = { ...branch, mode: 'exchange', shape: undefined };
        moved.push({ caller: shape.service, branch: late });
        left.push({
          shape: branch.shape,
          hop: { ...branch, service: branch.shape.service },
          caller: shape,
        });
        return late;
      });
      return withBranches(shape, branches);
    };
    const { roundTrips, gap } = choice;
    return { fitted: { shape: rebuilt(root, call), moved, roundTrips, gap }, left };
  }
}

/** A subtree that is fetched. */
interface LeftOut {
  readonly shape: TokenShape;
  readonly hop: Hop;
  readonly caller: TokenShape;
}

/** Packed bytes as they are counted: a share of the sums. */
interface PackedCount {
  readonly weights: PackedWeights;
  readonly share: number;
}

/** Bytes of the packed tree by what its tokens add at most. */
function sumOf(root: TokenShape, weights: PackedWeights): number {
  return weights.chars(weights.root(root, undefined) + weights.tree(root, undefined));
}

type Hop = Pick<Branch, 'calls' | 'probability'> & { readonly service: ServicePlan };

/** The tree as the planner sees it: what each token weighs, and where it must fit. */
class Sketch {
  readonly #options: FitterOptions;
  readonly #weighing: Weighing;
  readonly #branches = new Map<TokenCall, Branch>();
  readonly #bits = new Map<ClaimPlan, number>();
  readonly #packed: PackedCount | undefined;

  constructor(options: FitterOptions, weighing: Weighing, packed: PackedCount | undefined) {
    this.#options = options;
    this.#weighing = weighing;
    this.#packed = packed;
  }

  branchOf(call: TokenCall): Branch | undefined {
    return this.#branches.get(call);
  }

  /** @param caller the token that embeds this one; absent for the root. */
  call(shape: TokenShape, { service, calls, probability }: Hop, caller: TokenShape | undefined): TokenCall {
    const { budgets, nested: most, anyoneFetches = false } = this.#options;
    const rooms = [budgets.of(service, calls), ...this.#forwards(shape)];
    const weights = this.#packed?.weights;
    const bytes = this.#bytesOnHop(shape, caller);
    return {
      token: this.#token(shape, caller),
      probability,
      movable: caller !== undefined && (anyoneFetches || caller.service.auth !== undefined),
      embedding: { nested: nameBytes(service.name), packed: weights?.name(service.name) ?? 0 },
      entry: {
        nested: entryBytes(service.name, service.audience),
        packed: (caller && weights?.entry(service.name, service.audience, caller.audience)) ?? 0,
      },
      held: caller ? this.#bitsOf(this.#lacking(caller.body, shape.body)) : 0,
      fits: (weight: Weight, embeds: boolean) => {
        if (weight.nested > most) return false;
        const taken = bytes(weight, embeds);
        return rooms.every((room) => fits(taken, room));
      },
    };
  }

  /** What a token takes of its hop's room. */
  #bytesOnHop(
    shape: TokenShape,
    caller: TokenShape | undefined,
  ): (weight: Weight, embeds: boolean) => number {
    if (!this.#packed) return ({ nested }) => nested;
    const { weights, share } = this.#packed;
    const first = weights.root(shape, caller);
    const reads = shape.service.accepts === 'any';
    return ({ nested, packed }, embeds) => {
      if (!embeds) return nested;
      // A packed tree embeds nothing in the token of a service that cannot take it apart.
      return reads ? Math.ceil(weights.chars(packed + first) * share) : Infinity;
    };
  }

  /** Where this very token goes on to. */
  #forwards({ branches }: TokenShape) {
    return branches.flatMap(({ mode, service, calls }) =>
      mode === 'forward' && service ? [this.#options.budgets.of(service, calls)] : [],
    );
  }

  #token(shape: TokenShape, caller: TokenShape | undefined): PlannedToken {
    const calls = shape.branches.flatMap((branch): TokenCall[] => {
      if (!branch.shape || !branch.service) return [];
      const call = this.call(branch.shape, { ...branch, service: branch.service }, shape);
      this.#branches.set(call, branch);
      return [call];
    });
    const fetchedAlready = onDemandOf(shape.body);
    const entries = fetchedAlready.reduce((sum, [callee, audience]) => sum + entryBytes(callee, audience), 0);
    const { own, fetched, digits } = this.#weighing;
    const bases = [own, fetched].map((measure) => measure.own(shape, digits) + entries);
    const packedBase = this.#packed?.weights.record(shape, caller) ?? 0;
    const held = this.#held(shape.body);
    const packedLoad = this.#packedLoad(shape, fetchedAlready.length > 0);
    return {
      calls,
      weigh: (load: Load, exchanged: boolean): Weight => {
        const onDemand = load.moves || fetchedAlready.length > 0 ? ON_DEMAND : 0;
        const kept = held(load.held);
        const base = bases[exchanged ? 1 : 0]! + onDemand + kept.nested;
        return {
          nested: own.signed(base + (load.embeds ? EMBEDDED : 0) + load.nested),
          packed: packedBase + kept.packed + packedLoad(load),
        };
      },
    };
  }

  /** What children and moved calls add to a packed record. */
  #packedLoad(shape: TokenShape, hasOnDemand: boolean): (load: Load) => number {
    const weights = this.#packed?.weights;
    if (!weights) return () => 0;
    const embeds = weights.embeds(shape);
    const onDemand = hasOnDemand ? 0 : weights.onDemand();
    return (load) => load.packed + (load.embeds ? embeds : 0) + (load.moves ? onDemand : 0);
  }

  /** What `held` adds to a token, by the claims that moved calls need beside those that it keeps in any case. */
  #held(body: TokenBody): (bits: number) => Weight {
    const known = new Map<number, Weight>();
    const always = this.#options.heldClaims(body);
    return (bits) => {
      let weight = known.get(bits);
      if (weight === undefined) {
        const needed = [...this.#bits].filter(([, bit]) => (bits & bit) !== 0).map(([claim]) => claim);
        const carried = new Set(body.claims.map(({ claim }) => claim));
        const claims = new Set([...always, ...needed.filter((claim) => !carried.has(claim))]);
        weight = {
          nested: this.#weighing.own.held([...claims]),
          packed: this.#packed?.weights.held([...claims]) ?? 0,
        };
        known.set(bits, weight);
      }
      return weight;
    };
  }

  /** What a callee's tree needs of the subject and its caller's token does not carry. */
  #lacking(caller: TokenBody, callee: TokenBody): ClaimPlan[] {
    const carried = new Set(caller.claims.map(({ claim }) => claim));
    return this.#options.subjectClaims(callee).filter((claim) => !carried.has(claim));
  }

  #bitsOf(claims: readonly ClaimPlan[]): number {
    let bits = 0;
    for (const claim of claims) {
      const bit = this.#bits.get(claim) ?? 1 << Math.min(this.#bits.size, MAX_BITS);
      this.#bits.set(claim, bit);
      bits |= bit;
    }
    return bits;
  }
}
