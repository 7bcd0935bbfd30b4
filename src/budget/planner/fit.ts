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
import { isPackable } from '../coding.ts';
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
import type { PackedWeights, TokenWeights } from '../packed-weights.ts';
import { packedLength } from '../../token/index.ts';
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
  /** What each token of the tree adds at most, for these values or for any. */
  readonly weights: PackedWeights;
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
    const { packed } = weighing;
    if (packed && isPackable(root.body)) return this.#fitPacked(root, calls, weighing, packed);
    return this.#choose(root, calls, weighing, undefined)?.fitted;
  }

  /** Counts with ever more of the sums until the tree really fits, and with it all that is fetched. */
  #fitPacked(
    root: TokenShape,
    calls: readonly CallPlan[],
    weighing: Weighing,
    { weights: { root: weights }, declared, holds }: PackedWeighing,
  ): Fitted | undefined {
    const share = declared === undefined ? 1 : Math.min(1, declared / weights.declared);
    for (const counted of new Set([share, (1 + share) / 2, 1])) {
      const choice = this.#choose(root, calls, weighing, { weights, share: counted });
      if (!choice || !holds(choice.fitted.shape)) continue;
      if (counted === 1 || choice.left.every((left) => this.#isFetchable(left, weighing)))
        return choice.fitted;
    }
    return undefined;
  }

  /** Whether a subtree can be fetched by the whole sums, perhaps with calls of its own left out. */
  #isFetchable({ shape, hop, at }: LeftOut, weighing: Weighing): boolean {
    const call = new Sketch(this.#options, weighing, 1).call(shape, hop, at);
    return chooseEmbedded(call, { exchanged: true }) !== undefined;
  }

  #choose(
    root: TokenShape,
    calls: readonly CallPlan[],
    weighing: Weighing,
    packed: { readonly weights: TokenWeights; readonly share: number } | undefined,
  ): { readonly fitted: Fitted; readonly left: readonly LeftOut[] } | undefined {
    const sketch = new Sketch(this.#options, weighing, packed?.share ?? 1);
    const hop = { service: root.service, calls, probability: 1 };
    const call = sketch.call(root, hop, { weights: packed?.weights, isPacked: packed !== undefined });
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
        const hopOf = { ...branch, service: branch.shape.service };
        left.push({ shape: branch.shape, hop: hopOf, at: sketch.placeOf(child) });
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
  readonly at: At;
}

/** Where a token stands. */
interface At {
  /** The token that embeds this one; absent for the root. */
  readonly caller?: { readonly shape: TokenShape; readonly weights: TokenWeights | undefined };
  /** What its records take in a packed token; absent where there is none. */
  readonly weights: TokenWeights | undefined;
  /** Whether what embeds it travels packed. */
  readonly isPacked: boolean;
}

type Hop = Pick<Branch, 'calls' | 'probability'> & { readonly service: ServicePlan };

/** The tree as the planner sees it: what each token weighs, and where it must fit. */
class Sketch {
  readonly #options: FitterOptions;
  readonly #weighing: Weighing;
  readonly #branches = new Map<TokenCall, Branch>();
  readonly #bits = new Map<ClaimPlan, number>();
  readonly #places = new Map<TokenCall, At>();
  /** Which share of packed sums counts. */
  readonly #share: number;

  constructor(options: FitterOptions, weighing: Weighing, share: number) {
    this.#options = options;
    this.#weighing = weighing;
    this.#share = share;
  }

  branchOf(call: TokenCall): Branch | undefined {
    return this.#branches.get(call);
  }

  placeOf(call: TokenCall): At {
    const at = this.#places.get(call);
    if (!at) throw new TypeError('the call is of another tree');
    return at;
  }

  call(shape: TokenShape, { service, calls, probability }: Hop, at: At): TokenCall {
    const { budgets, nested: most, anyoneFetches = false } = this.#options;
    const { caller, weights } = at;
    const rooms = [budgets.of(service, calls), ...this.#forwards(shape)];
    // Who takes nothing but JWTs gets a nested token, and so does whoever stands below.
    const isPacked = at.isPacked && service.accepts === 'any';
    const bytes = this.#bytesOnHop(isPacked ? weights : undefined);
    const call: TokenCall = {
      token: this.#token(shape, weights, isPacked),
      probability,
      movable: caller !== undefined && (anyoneFetches || caller.shape.service.auth !== undefined),
      embedding: { nested: nameBytes(service.name), packed: 0 },
      entry: {
        nested: entryBytes(service.name, service.audience),
        packed: caller?.weights?.entry(service.name) ?? 0,
      },
      held: caller ? this.#bitsOf(this.#lacking(caller.shape.body, shape.body)) : 0,
      fits: (weight: Weight, embeds: boolean) => {
        if (weight.nested > most) return false;
        const taken = bytes(weight, embeds);
        return rooms.every((room) => fits(taken, room));
      },
    };
    this.#places.set(call, at);
    return call;
  }

  /** What a token takes of its hop's room. */
  #bytesOnHop(weights: TokenWeights | undefined): (weight: Weight, embeds: boolean) => number {
    if (!weights) return ({ nested }) => nested;
    return ({ nested, packed }, embeds) =>
      embeds ? Math.ceil(packedLength(packed + weights.first) * this.#share) : nested;
  }

  /** Where this very token goes on to. */
  #forwards({ branches }: TokenShape) {
    return branches.flatMap(({ mode, service, calls }) =>
      mode === 'forward' && service ? [this.#options.budgets.of(service, calls)] : [],
    );
  }

  #token(shape: TokenShape, weights: TokenWeights | undefined, isPacked: boolean): PlannedToken {
    const caller = { shape, weights };
    const calls = shape.branches.flatMap((branch): TokenCall[] => {
      if (!branch.shape || !branch.service) return [];
      const at = { caller, weights: weights?.children.get(branch), isPacked };
      const call = this.call(branch.shape, { ...branch, service: branch.service }, at);
      this.#branches.set(call, branch);
      return [call];
    });
    const fetchedAlready = onDemandOf(shape.body);
    const entries = fetchedAlready.reduce((sum, [callee, audience]) => sum + entryBytes(callee, audience), 0);
    const { own, fetched, digits } = this.#weighing;
    const bases = [own, fetched].map((measure) => measure.own(shape, digits) + entries);
    const record = weights ? weights.record + weights.declaredOnDemand : 0;
    const onDemand = fetchedAlready.length > 0 ? 0 : (weights?.onDemand ?? 0);
    const held = this.#held(shape.body, weights);
    return {
      calls,
      weigh: (load: Load, exchanged: boolean): Weight => {
        const kept = held(load.held);
        const moves = load.moves || fetchedAlready.length > 0 ? ON_DEMAND : 0;
        const base = bases[exchanged ? 1 : 0]! + moves + kept.nested;
        return {
          nested: own.signed(base + (load.embeds ? EMBEDDED : 0) + load.nested),
          packed: record + kept.packed + load.packed + (load.moves ? onDemand : 0),
        };
      },
    };
  }

  /** What `held` adds to a token, by the claims that moved calls need beside those that it keeps in any case. */
  #held(body: TokenBody, weights: TokenWeights | undefined): (bits: number) => Weight {
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
          packed: weights?.held([...claims]) ?? 0,
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
