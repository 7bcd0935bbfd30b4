/**
 * Plans trees within the header budgets of their hops. In: the shape of a tree, and what it carries. Out: the tree to
 * issue, as declared or with calls left to exchanges. Checks of a graph, `waybill plan`, comparisons and the issuer plan
 * with it.
 */
import {
  heldClaimsOf,
  heldConjunctsOf,
  isSealedBy,
  keepsLineage,
  carriedClaimsOf,
  type Actor,
  type Conjunct,
  type Encoding,
  type Plan,
  type TokenBody,
  type TokenShape,
} from '../../graph/index.ts';
import { firstViolation, type BudgetViolation } from './budget-violation.ts';
import { HopBudgets } from './hop-budgets.ts';
import {
  Measure,
  digitsOf,
  signingSize,
  type HeldClaims,
  type MeasureOptions,
  type MeasuredValues,
  type SigningSize,
} from './measure.ts';
import { MeasuredTree, type MeasuredTreeOptions } from './measured-tree.ts';
import { PackedWeights } from './packed-weights.ts';
import { planOverflow, type Overflow } from './planner/overflow.ts';
import type { PackedWeighing } from './planner/overflow-tree.ts';

export interface TreeToPlan extends MeasuredTreeOptions {
  readonly shape: TokenShape;
  /** The chain of the token above the root. Default: the client. */
  readonly above?: Actor | undefined;
  readonly encoding: Encoding;
  /** Default: made of the measure. Given where they are known already. */
  readonly weights?: (() => PackedWeights) | undefined;
  /** How the same tree was planned last, with other ids; used again where it still fits. */
  readonly previous?: TokenShape | undefined;
  /** Whether the plan must hold for any number that its tokens can have, and for any packed size. Default: false. */
  readonly holdsAlways?: boolean;
  /** Whether every service is taken for one that can fetch tokens: for advice, never for issuing. Default: false. */
  readonly anyoneFetches?: boolean;
}

export interface TreePlan {
  /** The tree to issue. */
  readonly tree: MeasuredTree;
  readonly fits: boolean;
  /** Whether it fits for any ids and times. */
  readonly fitsAlways: boolean;
  /** Why the tree as declared does not fit. */
  readonly violation?: BudgetViolation;
  /** The calls that are left to exchanges. */
  readonly overflow?: Overflow;
}

export interface TreePlannerOptions {
  /** Default: those of the plan. */
  readonly heldClaims?: HeldClaims;
  readonly carriedClaims?: HeldClaims;
  /** Default: a key of the plan's algorithm. */
  readonly signing?: SigningSize;
}

export class TreePlanner {
  readonly plan: Plan;
  readonly budgets = new HopBudgets();
  readonly #heldClaims: HeldClaims;
  readonly #carriedClaims: HeldClaims;
  readonly #heldConjuncts: (body: TokenBody) => readonly Conjunct[];
  readonly #signing: SigningSize;
  readonly #keepsLineage: boolean;

  constructor(plan: Plan, options: TreePlannerOptions = {}) {
    this.plan = plan;
    this.#heldClaims = options.heldClaims ?? heldClaimsOf(plan);
    this.#carriedClaims = options.carriedClaims ?? carriedClaimsOf(plan);
    this.#heldConjuncts = heldConjunctsOf(plan);
    this.#keepsLineage = keepsLineage(plan);
    this.#signing = options.signing ?? signingSize(plan.issuer.signing);
  }

  /** @param exchanged whether the tree comes by exchange: its ids are longer. */
  measure(values: MeasuredValues, exchanged: boolean, sealKeyOf?: MeasureOptions['sealKeyOf']): Measure {
    // Each exchange makes one. An object with spreads in it would take a few kilobytes.
    const { sub, clientId, claimBytes, lifetime, confirmation, decision } = values;
    return new Measure({
      issuer: this.plan.issuer.url,
      signing: this.#signing,
      heldClaims: this.#heldClaims,
      heldConjuncts: this.#heldConjuncts,
      keepsLineage: this.#keepsLineage,
      exchanged,
      sealKeyOf,
      sub,
      clientId,
      claimBytes,
      lifetime,
      confirmation,
      decision,
    });
  }

  /**
   * The tree as declared where it fits. Else, with `issuer.overflow: exchange`, the tree with calls left to exchanges. A
   * packed tree is first measured by its bound, which holds for any ids and times; where that does not fit, by the bytes
   * that it will have.
   */
  planTree(request: TreeToPlan): TreePlan {
    const { shape, encoding, previous } = request;
    const tree = this.measured(request);
    const atAnyTime = tree.atAnyTime();
    const first = this.#violation(request, atAnyTime);
    if (!first) return { tree, fits: true, fitsAlways: true };
    const violation = tree === atAnyTime ? first : this.#violation(request, tree);
    if (!violation) return { tree, fits: true, fitsAlways: false };
    if (previous && previous !== shape && encoding === 'packed') {
      const again = this.measured(request, previous);
      if (!this.#violation(request, again)) return { tree: again, fits: true, fitsAlways: false, violation };
    }
    const overflow = this.#mayOverflow(shape) ? this.overflow(request) : undefined;
    if (!overflow) return { tree, fits: false, fitsAlways: false, violation };
    const smaller = this.measured(request, overflow.shape);
    return { tree: smaller, fits: true, fitsAlways: encoding === 'nested', violation, overflow };
  }

  /** The first hop, from the root down, whose budget the tree as declared exceeds. */
  violation(request: TreeToPlan): BudgetViolation | undefined {
    return this.#violation(request, this.measured(request));
  }

  /** @returns nothing where no choice of calls makes every token fit. */
  overflow(request: TreeToPlan): Overflow | undefined {
    const { shape, calls, encoding, measure, holdsAlways = false, anyoneFetches = false } = request;
    const { nested, tokens } = this.plan.issuer.limits;
    const [heldClaims, carriedClaims] = [this.#heldClaims, this.#carriedClaims];
    return planOverflow(
      shape,
      calls,
      {
        above: request.above ?? measure.client,
        own: measure,
        fetched: measure.fetched,
        digits: digitsOf(holdsAlways ? tokens : shape.tokens),
        packed: encoding === 'packed' && !isSealedBy(calls) ? this.#packedWeighing(request) : undefined,
      },
      { budgets: this.budgets, nested, heldClaims, carriedClaims, anyoneFetches },
    );
  }

  #packedWeighing(request: TreeToPlan): PackedWeighing {
    const { shape, measure, holdsAlways = false } = request;
    const declared = this.measured(request);
    return {
      weights: request.weights?.() ?? new PackedWeights(shape, measure.fetched, request.above),
      declared: holdsAlways ? undefined : declared.bytes(declared.root, 'packed'),
      holds: (smaller) => !this.#violation(request, this.measured(request, smaller)),
    };
  }

  #mayOverflow({ tokens, depth }: TokenShape): boolean {
    const { overflow, limits } = this.plan.issuer;
    return overflow === 'exchange' && tokens <= limits.tokens && depth <= limits.depth;
  }

  measured(request: TreeToPlan, shape = request.shape): MeasuredTree {
    return new MeasuredTree(request.measure.exact(shape, request.above, isSealedBy(request.calls)), request);
  }

  #violation({ encoding }: TreeToPlan, tree: MeasuredTree): BudgetViolation | undefined {
    return firstViolation(tree, encoding, { budgets: this.budgets, nested: this.plan.issuer.limits.nested });
  }
}
