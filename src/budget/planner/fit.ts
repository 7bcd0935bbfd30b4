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
}

export interface FitterOptions {
  readonly budgets: HopBudgets;
  /** The most characters of any tree as a nested JWT. */
  readonly nested: number;
  readonly heldClaims: HeldClaims;
  /** What a tree may need of its subject. */
  readonly subjectClaims: HeldClaims;
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
    const sketch = new Sketch(this.#options, weighing);
    const call = sketch.call(root, { service: root.service, calls, probability: 1 }, undefined);
    const choice = chooseEmbedded(call);
    if (!choice) return undefined;
    const moved: MovedCall[] = [];
    const rebuilt = (shape: TokenShape, { token }: TokenCall): TokenShape => {
      const below = new Map(token.calls.map((child) => [sketch.branchOf(child), child]));
      const branches = shape.branches.map((branch): Branch => {
        const child = below.get(branch);
        if (!child || !branch.shape) return branch;
        if (!choice.moved.has(child)) return { ...branch, shape: rebuilt(branch.shape, child) };
        const late: Branch = { ...branch, mode: 'exchange', shape: undefined };
        moved.push({ caller: shape.service, branch: late });
        return late;
      });
      return withBranches(shape, branches);
    };
    return { shape: rebuilt(root, call), moved, roundTrips: choice.roundTrips, gap: choice.gap };
  }
}

type Hop = Pick<Branch, 'calls' | 'probability'> & { readonly service: ServicePlan };

/** The tree as the planner sees it: what each token weighs, and where it must fit. */
class Sketch {
  readonly #options: FitterOptions;
  readonly #weighing: Weighing;
  readonly #branches = new Map<TokenCall, Branch>();
  readonly #bits = new Map<ClaimPlan, number>();

  constructor(options: FitterOptions, weighing: Weighing) {
    this.#options = options;
    this.#weighing = weighing;
  }

  branchOf(call: TokenCall): Branch | undefined {
    return this.#branches.get(call);
  }

  /** @param caller the token that embeds this one; absent for the root. */
  call(shape: TokenShape, { service, calls, probability }: Hop, caller: TokenShape | undefined): TokenCall {
    const { budgets, nested: most } = this.#options;
    const rooms = [budgets.of(service, calls), ...this.#forwards(shape)];
    return {
      token: this.#token(shape),
      probability,
      movable: caller?.service.auth !== undefined,
      embedding: { nested: nameBytes(service.name), packed: 0 },
      entry: { nested: entryBytes(service.name, service.audience), packed: 0 },
      held: caller ? this.#bitsOf(this.#lacking(caller.body, shape.body)) : 0,
      fits: ({ nested }: Weight) => nested <= most && rooms.every((room) => fits(nested, room)),
    };
  }

  /** Where this very token goes on to. */
  #forwards({ branches }: TokenShape) {
    return branches.flatMap(({ mode, service, calls }) =>
      mode === 'forward' && service ? [this.#options.budgets.of(service, calls)] : [],
    );
  }

  #token(shape: TokenShape): PlannedToken {
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
    const held = this.#held(shape.body);
    return {
      calls,
      weigh: (load: Load, exchanged: boolean): Weight => {
        const onDemand = load.moves || fetchedAlready.length > 0 ? ON_DEMAND : 0;
        const base = bases[exchanged ? 1 : 0]! + onDemand + held(load.held);
        return { nested: own.signed(base + (load.embeds ? EMBEDDED : 0) + load.nested), packed: 0 };
      },
    };
  }

  /** What `held` adds to a token, by the claims that moved calls need beside those that it keeps in any case. */
  #held(body: TokenBody): (bits: number) => number {
    const known = new Map<number, number>();
    const always = this.#options.heldClaims(body);
    return (bits) => {
      let bytes = known.get(bits);
      if (bytes === undefined) {
        const needed = [...this.#bits].filter(([, bit]) => (bits & bit) !== 0).map(([claim]) => claim);
        const carried = new Set(body.claims.map(({ claim }) => claim));
        const claims = new Set([...always, ...needed.filter((claim) => !carried.has(claim))]);
        bytes = this.#weighing.own.held([...claims]);
        known.set(bits, bytes);
      }
      return bytes;
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
