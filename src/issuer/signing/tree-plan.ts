/**
 * Plans the tree of a request: the exact size of every token, within the graph's limits and the budget of every hop.
 * Nothing is signed yet.
 */
import { LRUCache } from 'lru-cache';
import {
  PackedWeights,
  TreePlanner,
  signingSize,
  worstCaseOf,
  type BudgetViolation,
  type HeldClaims,
  type Measure,
  type MeasuredToken,
} from '../../planning/header-budget/index.ts';
import { WaybillError } from '../../errors.ts';
import { getOrAdd } from '../../get-or-add.ts';
import {
  Walk,
  isSealedBy,
  keepsLineage,
  longestChains,
  mostActors,
  reachableTokens,
  type Actor,
  type CallPlan,
  type ClaimPlan,
  type Decision,
  type Encoding,
  type Plan,
  type ScopePlan,
  type ServicePlan,
  type StepUp,
  type TokenBody,
  type TokenShape,
} from '../../graph/index.ts';
import type { Signer } from '../keys/index.ts';
import type { TreeSealKeys } from '../sealing/seal-keys.ts';
import { actorNames, confirmationMethod } from '../../token/index.ts';
import { claimValues } from './sign.ts';
import type { TreeValues } from './values.ts';

/** Most cached trees, and most tokens in all of them: about a kilobyte each. */
const MOST_TREES = { max: 1_000, maxSize: 100_000 };
const MAX_CACHED_WEIGHTS = 100;

/** The tree that a request asks for: service, scopes and presenter of its root, and the calls that carry it. */
export interface WantedTree {
  readonly service: ServicePlan;
  readonly scopes: readonly ScopePlan[];
  /** Absent for a client's tree: a root has no presenter. */
  readonly caller: ServicePlan | undefined;
  readonly calls: readonly CallPlan[];
  /** On the conditions in the tree; absent where there are none. */
  readonly decision: Decision | undefined;
  /** What another login would give; absent: nothing more. */
  readonly stepUp: StepUp | undefined;
}

export class TreePlans {
  readonly #plan: Plan;
  readonly #planner: TreePlanner;
  /** The longest chains above what a service presents; absent where no token has more than its presenter. */
  readonly #chains: ReadonlyMap<Actor, Actor> | undefined;
  readonly #shapes = new LRUCache<string, TokenShape>({
    ...MOST_TREES,
    sizeCalculation: ({ tokens }) => tokens,
  });
  /** Trees of clients' own values that always fit. */
  readonly #measured = new LRUCache<string, MeasuredToken>({
    ...MOST_TREES,
    sizeCalculation: ({ shape }) => shape.tokens,
  });
  /** How packed trees of clients' own values fitted last: their sizes differ by a few bytes each time. */
  readonly #fitted = new LRUCache<string, TokenShape>({
    ...MOST_TREES,
    sizeCalculation: ({ tokens }) => tokens,
  });
  readonly #weights = new LRUCache<string, PackedWeights>({ max: MAX_CACHED_WEIGHTS });
  readonly #sealed = new WeakMap<TokenBody, readonly ServicePlan[]>();

  constructor(plan: Plan, signer: Pick<Signer, 'alg' | 'kid' | 'signatureBytes'>, heldClaims?: HeldClaims) {
    this.#plan = plan;
    this.#chains = keepsLineage(plan) ? longestChains(plan) : undefined;
    const { alg, kid, signatureBytes } = signer;
    this.#planner = new TreePlanner(plan, {
      ...(heldClaims ? { heldClaims } : {}),
      signing: signingSize(alg, kid, signatureBytes),
    });
  }

  /**
   * @param values what the tree carries.
   * @param encoding how the tree travels. A sealed root is nested in any case.
   * @param sealKeys those of `sealedIn`. Default: the largest that fit.
   * @throws WaybillError `invalid_scope` if the tree breaks a limit or a hop's budget, or forwards a bound root.
   */
  planFor(wanted: WantedTree, values: TreeValues, asked: Encoding, sealKeys?: TreeSealKeys): MeasuredToken {
    const { caller, calls } = wanted;
    const key = keyOf(wanted);
    const encoding = isSealedBy(calls) ? 'nested' : asked;
    // A client's own values are in the graph, so its trees have the same size each time.
    const method = values.cnf && confirmationMethod(values.cnf);
    const own = values.hasOwnValues
      ? undefined
      : `${encoding}:${key}:${values.client.name}:${method ?? ''}${sealKeys ? sizesOf(sealKeys) : ''}`;
    const known = own === undefined ? undefined : this.#measured.get(own);
    if (known) return known;
    const shape = this.#shapeOf(wanted, key);
    this.#checkLimits(shape);
    this.#shapes.set(key, shape);
    if (method !== undefined) checkBound(shape);
    const { tree, fits, fitsAlways, violation, overflow } = this.#planner.planTree({
      shape,
      above: values.above,
      presenter: caller?.name ?? values.client.name,
      calls,
      encoding,
      measure: this.#measure(values, sealKeys),
      values: { valueOf: values.valueOf, moment: values },
      weights: () => this.#weightsOf(shape, `${key}:${values.client.name}`, values),
      previous: own === undefined ? undefined : this.#fitted.get(own),
    });
    if (violation && !fits) throw new WaybillError('invalid_scope', tooLarge(violation));
    // Fails now if a required claim of a moved call has no value, not in the middle of the request.
    if (overflow) for (const token of reachableTokens([shape.body])) claimValues(token, values);
    const { root } = tree;
    if (this.#chains) checkChains(root, mostActors(this.#plan), caller ? 'invalid_target' : 'invalid_scope');
    if (own !== undefined && fitsAlways) this.#measured.set(own, root);
    else if (own !== undefined) this.#fitted.set(own, root.shape);
    return root;
  }

  #shapeOf({ service, scopes, caller, decision }: WantedTree, key: string): TokenShape {
    return this.#shapes.get(key) ?? new Walk(decision).shape(service, scopes, caller);
  }

  /** The services whose tokens are sealed in a tree. */
  sealedIn(wanted: WantedTree): readonly ServicePlan[] {
    const { body } = this.#shapeOf(wanted, keyOf(wanted));
    const below = getOrAdd(this.#sealed, body, () => sealedBelow(body));
    return isSealedBy(wanted.calls) ? [...new Set([wanted.service, ...below])] : below;
  }

  /** Worst case for all trees of the client, so computed once. */
  #weightsOf(shape: TokenShape, name: string, { client }: TreeValues): PackedWeights {
    let weights = this.#weights.get(name);
    if (!weights) {
      const above = shape.actor && this.#chains?.get(shape.actor);
      weights = new PackedWeights(shape, this.#planner.measure(worstCaseOf(client), true), above);
      this.#weights.set(name, weights);
    }
    return weights;
  }

  #measure(
    { sub, client, valueOf, branch, cnf, iat, exp, decision }: TreeValues,
    sealKeys?: TreeSealKeys,
  ): Measure {
    const claimBytes = (claim: ClaimPlan): number | undefined => {
      const value = valueOf(claim);
      return value === undefined ? undefined : Buffer.byteLength(JSON.stringify(value));
    };
    const confirmation = cnf && confirmationMethod(cnf);
    return this.#planner.measure(
      { sub, clientId: client.name, claimBytes, confirmation, lifetime: exp - iat, decision },
      branch !== undefined,
      sealKeys && (({ name }) => sealKeys.get(name)!),
    );
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

/** Trees of one key have the same shape. */
function keyOf({ service, scopes, caller, decision }: WantedTree): string {
  const names = `${caller?.name ?? ''}:${service.name}:${scopes.map((scope) => scope.index).join()}`;
  return decision ? `${names}:${decision.key}` : names;
}

function sealedBelow(root: TokenBody): readonly ServicePlan[] {
  const found = new Set<ServicePlan>();
  for (const { branches } of reachableTokens([root]))
    for (const { seal, shape } of branches) if (seal && shape) found.add(shape.service);
  return [...found];
}

/** What sizes depend on. */
function sizesOf(sealKeys: TreeSealKeys): string {
  return Array.from(sealKeys.values(), ({ alg, crv, kid }) => ` ${alg} ${crv} ${JSON.stringify(kid)}`).join();
}

/** A chain that grows with every exchange would have no end, and nothing of it is left out in silence. */
function checkChains(
  { act, children }: MeasuredToken,
  most: number,
  code: 'invalid_scope' | 'invalid_target',
): void {
  if (act && actorNames(act).length > most) {
    throw new WaybillError(
      code,
      `The chain of calls would have more than ${most} parties. Call fewer services in a row.`,
    );
  }
  for (const { token } of children) checkChains(token, most, code);
}

function tooLarge({ hop, bytes, coding, limit, profile }: BudgetViolation): string {
  const size = `${bytes} bytes${coding === 'packed' ? ' packed' : ''}`;
  return `The token for ${hop} has ${size}; ${limit} fit (${profile}). Ask for fewer scopes.`;
}

/** Rule 7: the receiver of a forwarded token does not hold the key to which it is bound. */
function checkBound({ service, branches }: TokenShape): void {
  const forwarded = branches.find(({ mode }) => mode === 'forward');
  if (!forwarded) return;
  throw new WaybillError(
    'invalid_scope',
    `With these scopes ${service.name} forwards its token to ${forwarded.callee}, which cannot use a token that is bound to a key. Ask for other scopes, or send no DPoP proof.`,
  );
}
