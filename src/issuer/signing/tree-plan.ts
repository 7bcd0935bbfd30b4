/**
 * What a request will issue, before anything is signed: the tree with the weight of every token, within the graph's
 * limits and the budget of every hop.
 */
import { LRUCache } from 'lru-cache';
import {
  Fitter,
  HopBudgets,
  Measure,
  PackedSizes,
  PackedWeights,
  firstMisfit,
  signingSize,
  worstClaimBytes,
  worstConfirmation,
  worstSubject,
  type Fitted,
  type HeldClaims,
  type MeasuredToken,
  type Misfit,
  type PackedRooms,
} from '../../planning/header-budget/index.ts';
import { WaybillError } from '../../errors.ts';
import {
  Walk,
  heldClaimsOf,
  reachableTokens,
  subjectClaimsOf,
  type CallPlan,
  type Encoding,
  type Plan,
  type ScopePlan,
  type ServicePlan,
  type TokenShape,
} from '../../graph/index.ts';
import type { Signer } from '../keys/index.ts';
import { confirmationMethod } from '../../token/index.ts';
import { claimValues } from './sign.ts';
import { newBranch, type TreeValues } from './values.ts';

/** Most cached trees, and most tokens in all of them: about a kilobyte each. */
const MOST_TREES = { max: 1_000, maxSize: 100_000 };
const MAX_WEIGHED = 100;

/** A tree that is wanted: its root's service and scopes, who presents the root, and over which calls it goes. */
export interface WantedTree {
  readonly service: ServicePlan;
  readonly scopes: readonly ScopePlan[];
  /** Absent for a client's tree: a root has no presenter. */
  readonly caller: ServicePlan | undefined;
  readonly calls: readonly CallPlan[];
}

interface PlannedRequest extends WantedTree {
  readonly shape: TokenShape;
  /** What the shape depends on. */
  readonly key: string;
  readonly values: TreeValues;
  readonly encoding: Encoding;
}

interface Planned {
  readonly tree: MeasuredToken;
  /** Whether the same values fit in the same way at any time. */
  readonly always: boolean;
}

export class TreePlans {
  readonly #plan: Plan;
  readonly #signer: Signer;
  readonly #heldClaims: HeldClaims;
  readonly #budgets = new HopBudgets();
  readonly #fitter: Fitter;
  readonly #shapes = new LRUCache<string, TokenShape>({
    ...MOST_TREES,
    sizeCalculation: ({ tokens }) => tokens,
  });
  /** Trees of clients' own values that always fit. */
  readonly #measured = new LRUCache<string, MeasuredToken>({
    ...MOST_TREES,
    sizeCalculation: ({ shape }) => shape.tokens,
  });
  /** Packed trees of clients' own values as they were fitted last: a few bytes differ with each. */
  readonly #fitted = new LRUCache<string, TokenShape>({
    ...MOST_TREES,
    sizeCalculation: ({ tokens }) => tokens,
  });
  readonly #weights = new LRUCache<string, PackedWeights>({ max: MAX_WEIGHED });

  constructor(plan: Plan, signer: Signer, heldClaims: HeldClaims = heldClaimsOf(plan)) {
    this.#plan = plan;
    this.#heldClaims = heldClaims;
    this.#signer = signer;
    const { nested } = plan.issuer.limits;
    const subjectClaims = subjectClaimsOf(plan);
    this.#fitter = new Fitter({ budgets: this.#budgets, nested, heldClaims, subjectClaims });
  }

  /**
   * @param values what the tree carries.
   * @param encoding how it is to travel.
   * @throws WaybillError `invalid_scope` where the tree breaks a limit or a hop's budget, or forwards a bound root.
   */
  planFor(wanted: WantedTree, values: TreeValues, encoding: Encoding): MeasuredToken {
    const { service, scopes, caller } = wanted;
    const key = `${caller?.name ?? ''}:${service.name}:${scopes.map((scope) => scope.index).join()}`;
    // A client's own values are in the graph: its trees weigh the same each time.
    const method = values.cnf && confirmationMethod(values.cnf);
    const own = values.subject ? undefined : `${encoding}:${key}:${values.client.name}:${method ?? ''}`;
    const known = own === undefined ? undefined : this.#measured.get(own);
    if (known) return known;
    const shape = this.#shapes.get(key) ?? new Walk().shape(service, scopes, caller);
    this.#checkLimits(shape);
    this.#shapes.set(key, shape);
    if (method !== undefined) checkBound(shape);
    const request = { ...wanted, shape, key, values, encoding };
    const { tree, always } = this.#fitting(request, own === undefined ? undefined : this.#fitted.get(own));
    if (own !== undefined && always) this.#measured.set(own, tree);
    else if (own !== undefined) this.#fitted.set(own, tree.shape);
    return tree;
  }

  /**
   * The tree as the graph says, or with calls left to be fetched where it would not fit. A packed token is weighed by
   * its bound first, which holds for any id and any time; where that does not fit, by what it will really be.
   *
   * @param before how the same tree was fitted last, with other ids.
   */
  #fitting(request: PlannedRequest, before: TokenShape | undefined): Planned {
    const { shape, values, encoding } = request;
    const measure = this.#measure(values);
    const misfitOf = (tree: MeasuredToken, moment?: TreeValues): Misfit | undefined =>
      this.#misfit(request, tree, measure, moment);
    const tree = measure.exact(shape);
    if (!misfitOf(tree)) return { tree, always: true };
    const misfit = misfitOf(tree, values);
    if (!misfit) return { tree, always: false };
    const again = before && before !== shape && encoding === 'packed' ? measure.exact(before) : undefined;
    if (again && !misfitOf(again, values)) return { tree: again, always: false };
    const fitted = this.#plan.issuer.overflow === 'exchange' ? this.#fit(request, tree, measure) : undefined;
    if (!fitted) throw new WaybillError('invalid_scope', tooLarge(misfit));
    // What a moved call's token must carry is missed now, not in the middle of the request.
    for (const body of reachableTokens([shape.body])) claimValues(body, values);
    return { tree: measure.exact(fitted.shape), always: encoding === 'nested' };
  }

  #misfit(
    { caller, calls, values, encoding }: PlannedRequest,
    tree: MeasuredToken,
    measure: Measure,
    moment: TreeValues | undefined,
  ): Misfit | undefined {
    return firstMisfit(caller?.name ?? values.client.name, tree, calls, {
      budgets: this.#budgets,
      nested: this.#plan.issuer.limits.nested,
      packed: encoding === 'packed' ? packedRooms(tree, measure, values, moment) : undefined,
    });
  }

  #fit(request: PlannedRequest, tree: MeasuredToken, measure: Measure): Fitted | undefined {
    const { shape, calls, values, encoding } = request;
    const packed =
      encoding === 'packed'
        ? {
            weights: this.#weightsOf(request),
            declared: packedRooms(tree, measure, values, values).bytes(tree),
            holds: (smaller: TokenShape) => !this.#misfit(request, measure.exact(smaller), measure, values),
          }
        : undefined;
    return this.#fitter.fit(shape, calls, {
      own: measure,
      fetched: this.#measure({ ...values, branch: values.branch ?? newBranch() }),
      digits: String(shape.tokens - 1).length,
      packed,
    });
  }

  /** For the largest values that the client's trees can have: they are worked out once, and hold for all. */
  #weightsOf({ shape, key, values: { client } }: PlannedRequest): PackedWeights {
    const name = `${key}:${client.name}`;
    let weights = this.#weights.get(name);
    if (!weights) {
      const { alg, kid, signatureBytes } = this.#signer;
      const worst = new Measure({
        issuer: this.#plan.issuer.url,
        sub: worstSubject(client),
        clientId: client.name,
        signing: signingSize(alg, kid, signatureBytes),
        claimBytes: worstClaimBytes(client),
        heldClaims: this.#heldClaims,
        heldKid: kid,
        exchanged: true,
        confirmation: worstConfirmation(client),
      });
      weights = new PackedWeights(shape, worst);
      this.#weights.set(name, weights);
    }
    return weights;
  }

  #measure(values: TreeValues): Measure {
    const { alg, kid, signatureBytes } = this.#signer;
    return new Measure({
      issuer: this.#plan.issuer.url,
      sub: values.sub,
      clientId: values.client.name,
      signing: signingSize(alg, kid, signatureBytes),
      claimBytes: (claim) => {
        const value = values.valueOf(claim);
        return value === undefined ? undefined : Buffer.byteLength(JSON.stringify(value));
      },
      heldClaims: this.#heldClaims,
      heldKid: kid,
      exchanged: values.branch !== undefined,
      confirmation: values.cnf && confirmationMethod(values.cnf),
    });
  }

  #checkLimits({ tokens, depth }: TokenShape): void {
    const { limits } = this.#plan.issuer;
    if (tokens > limits.tokens) {
      throw new WaybillError(
        'invalid_scope',
        `These scopes together mean ${tokens} tokens; at most ${limits.tokens} are issued at once. Ask for fewer scopes.`,
      );
    }
    if (depth > limits.depth) {
      throw new WaybillError(
        'invalid_scope',
        `These scopes mean a tree ${depth} levels deep; at most ${limits.depth} are issued. Ask for fewer scopes.`,
      );
    }
  }
}

/** @param moment absent: the most, for any id and any time. */
function packedRooms(
  tree: MeasuredToken,
  measure: Measure,
  { valueOf }: TreeValues,
  moment: TreeValues | undefined,
): PackedRooms {
  const sizes = new PackedSizes(tree, measure, { valueOf, moment });
  return moment ? sizes.exacts : sizes.bounds;
}

function tooLarge({ hop, bytes, coding, limit, profile }: Misfit): string {
  const size = `${bytes} bytes${coding === 'packed' ? ' packed' : ''}`;
  return `The token for ${hop} has ${size}; ${limit} fit (${profile}). Ask for fewer scopes.`;
}

/** Rule 7: whoever gets a token forwarded does not hold the key to which it is bound. */
function checkBound({ service, branches }: TokenShape): void {
  const forwarded = branches.find(({ mode }) => mode === 'forward');
  if (!forwarded) return;
  throw new WaybillError(
    'invalid_scope',
    `With these scopes ${service.name} forwards its token to ${forwarded.callee}, which cannot use one that is bound to a key. Ask for other scopes, or without a DPoP proof.`,
  );
}
