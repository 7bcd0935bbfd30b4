/**
 * What a request would issue, hop by hop, at its largest: what `waybill plan` shows. Nothing is signed, and a tree that
 * does not fit is shown too, so that an architect sees where.
 */
import {
  Fitter,
  HopBudgets,
  Measure,
  PackedSizes,
  PackedWeights,
  firstMisfit,
  fits,
  signingSize,
  worstClaimBytes,
  worstConfirmation,
  worstSubject,
  type Coding,
  type Fitted,
  type HopBudget,
  type MeasuredToken,
  type Misfit,
} from './header-budget/index.ts';
import { WaybillError } from '../errors.ts';
import {
  Walk,
  didYouMean,
  heldClaimsOf,
  subjectClaimsOf,
  resolveRequest,
  type Branch,
  type CallPlan,
  type ClaimNeed,
  type ClientPlan,
  type Encoding,
  type Mode,
  type Plan,
  type TokenShape,
  type TreeRequest,
} from '../graph/index.ts';

/** What had to become an exchange for every token to fit. */
export interface OverflowView {
  /** The first hop that the tree as declared is too large for. */
  readonly because: {
    readonly hop: string;
    readonly bytes: number;
    /** As what the token has so many bytes. */
    readonly coding: Coding;
    readonly limit: number;
    readonly profile: string;
  };
  readonly moved: readonly {
    readonly caller: string;
    readonly callee: string;
    readonly scope: string;
    readonly probability: number;
  }[];
  /** Round trips that one request is expected to make for tokens: with the calls on demand as declared, and now. */
  readonly round_trips: { readonly before: number; readonly after: number };
  /** By how much a better choice could be better; 0 where this is the best. */
  readonly gap: number;
}

export interface RequestPlan {
  readonly client: string;
  /** Granted scopes of the entry, space-separated. */
  readonly scope: string;
  readonly tokens: number;
  readonly depth: number;
  /** How the graph's trees travel. */
  readonly encoding: Encoding;
  /** Present where the tree as declared does not fit and `issuer.overflow` moved calls. */
  readonly overflow?: OverflowView;
  readonly root: CallView;
}

/** One call and the token that it carries. */
export interface CallView {
  readonly service: string;
  /** Absent for a callee outside the graph. */
  readonly audience?: string;
  readonly scope: readonly string[];
  /** Which scopes of the caller call for each of these; `*` stands for a call that its service makes in any scope. */
  readonly origins?: readonly { readonly scope: string; readonly by: readonly string[] }[];
  /** Names of the claims that the token carries; `!` behind one that it must. */
  readonly claims: readonly string[];
  readonly mode: Mode;
  /** Declared as embedded, and fetched because the tree is too large. */
  readonly moved?: true;
  /** How often the call is made, from 0 to 1. */
  readonly probability: number;
  /**
   * Of the token, for the largest values, in a tree of either encoding; present where one is issued with the tree. Both
   * are the same for a token without children, and where it travels nested because someone takes nothing but JWTs.
   */
  readonly bytes?: { readonly nested: number; readonly packed: number };
  /** As what the token travels; present where `bytes` are. The budget is for this one. */
  readonly coding?: Coding;
  readonly budget?: {
    /** Bytes of the largest token that passes; null where nothing limits it. */
    readonly limit: number | null;
    readonly profile: string | null;
    readonly fits: boolean;
  };
  readonly calls: readonly CallView[];
}

/** More tokens than any limit allows to issue are counted, not drawn. */
const MAX_DRAWN = 4096;

/** What a request means, before anything is weighed. */
export interface ResolvedRequest {
  readonly client: ClientPlan;
  readonly scope: string;
  readonly shape: TokenShape;
  /** The client's calls that lead to it. */
  readonly calls: readonly CallPlan[];
  readonly walk: Walk;
}

/** @throws WaybillError as `planRequest` does, and for a tree that is too large to be drawn token by token. */
export function resolve(plan: Plan, clientName: string, request: TreeRequest): ResolvedRequest {
  const resolved = resolveShape(plan, clientName, request);
  const { tokens } = resolved.shape;
  if (tokens > MAX_DRAWN) {
    throw new WaybillError(
      'invalid_scope',
      `This request means ${tokens.toLocaleString('en')} tokens; more than ${MAX_DRAWN} are not drawn.`,
    );
  }
  return resolved;
}

/** @throws WaybillError `usage` for an unknown client; `invalid_scope` or `invalid_target` as the issuer would. */
export function resolveShape(plan: Plan, clientName: string, request: TreeRequest): ResolvedRequest {
  const client = plan.clients.get(clientName);
  if (!client) {
    throw new WaybillError(
      'usage',
      `The graph has no client ${clientName}. ${didYouMean(clientName, plan.clients.keys()) || `It has: ${[...plan.clients.keys()].join(', ') || 'none'}.`}`,
    );
  }
  const { service, scopes } = resolveRequest(plan, client, { anySubject: true, ...request });
  const walk = new Walk();
  const shape = walk.shape(service, scopes);
  const calls = client.calls.filter((call) => call.service === service);
  return { client, scope: scopes.map((each) => each.name).join(' '), shape, calls, walk };
}

/**
 * Plans a request without signing anything: the tokens that the issuer would sign, who embeds which, and how many bytes each
 * has at most. The result is plain data, as `waybill plan --json` prints it.
 *
 * @param request the scopes, and the claims of the user for whom the client asks, if there is one.
 * @throws WaybillError `usage` for an unknown client; `invalid_scope` or `invalid_target` as the issuer would.
 *
 * @example
 * ```ts
 * import { compileGraph, planRequest } from 'waybill';
 *
 * const { plan } = compileGraph(['graphs/online-boutique.yaml']);
 * if (plan) {
 *   const { tokens, root } = planRequest(plan, 'storefront', { scopes: ['checkout'] });
 *   console.log(tokens, root.bytes?.nested);
 * }
 * ```
 */
export function planRequest(plan: Plan, clientName: string, request: TreeRequest): RequestPlan {
  const { client, scope, shape, calls, walk } = resolve(plan, clientName, request);
  const budgets = new HopBudgets();
  const measure = measureFor(plan, client, client.token === 'opaque');
  const fitted = fit(plan, client, shape, calls, { budgets, measure });
  const issued = fitted?.shape ?? shape;
  const tree = measure.exact(issued);
  const moved = new Set(fitted?.moved.map(({ branch }) => branch));
  const { encoding } = plan.issuer;
  const view = new View(tree, { budgets, walk, moved, measure, encoding });
  return {
    client: client.name,
    scope,
    tokens: issued.tokens,
    depth: issued.depth,
    encoding,
    ...(fitted ? { overflow: overflowView(fitted, shape) } : {}),
    root: view.token(tree, 'embed', calls, Math.max(...calls.map((call) => call.probability))),
  };
}

/** Weighs every token at its largest. */
export function measureFor(plan: Plan, client: ClientPlan, exchanged: boolean): Measure {
  return new Measure({
    issuer: plan.issuer.url,
    sub: worstSubject(client),
    clientId: client.name,
    signing: signingSize(plan.issuer.signing),
    claimBytes: worstClaimBytes(client),
    heldClaims: heldClaimsOf(plan),
    exchanged,
    confirmation: worstConfirmation(client),
  });
}

type FittedRequest = Fitted & Pick<OverflowView, 'because'>;

/** What the issuer would move where the tree does not fit; nothing where it fits, or where nothing helps. */
function fit(
  plan: Plan,
  client: ClientPlan,
  shape: TokenShape,
  calls: readonly CallPlan[],
  { budgets, measure }: { budgets: HopBudgets; measure: Measure },
): FittedRequest | undefined {
  const { overflow, limits, encoding } = plan.issuer;
  if (overflow !== 'exchange' || shape.tokens > limits.tokens || shape.depth > limits.depth) return undefined;
  const misfitOf = (smaller: TokenShape): Misfit | undefined => {
    const tree = measure.exact(smaller);
    const sizes = new PackedSizes(tree, measure);
    const packed = encoding === 'packed' ? sizes.bounds : undefined;
    return firstMisfit(client.name, tree, calls, { budgets, nested: limits.nested, packed });
  };
  const because = misfitOf(shape);
  if (!because) return undefined;
  const claims = { heldClaims: heldClaimsOf(plan), subjectClaims: subjectClaimsOf(plan) };
  const whole = measure.exact(shape);
  const fetched = measureFor(plan, client, true);
  const fitted = new Fitter({ budgets, nested: limits.nested, ...claims }).fit(shape, calls, {
    own: measure,
    fetched,
    digits: String(shape.tokens - 1).length,
    packed:
      encoding === 'packed'
        ? {
            weights: new PackedWeights(shape, fetched),
            declared: new PackedSizes(whole, measure).bound(whole),
            holds: (smaller) => !misfitOf(smaller),
          }
        : undefined,
  });
  return fitted && { ...fitted, because };
}

function overflowView(
  { because, moved, roundTrips, gap }: FittedRequest,
  declared: TokenShape,
): OverflowView {
  const before = fetchesOf(declared);
  return {
    because,
    moved: moved.map(({ caller, branch: { callee, scopes, probability } }) => ({
      caller: caller.name,
      callee,
      scope: scopes.map((scope) => scope.name).join(' '),
      probability,
    })),
    round_trips: { before, after: before + roundTrips },
    gap,
  };
}

/** How often the holders of a tree are expected to fetch what is on demand. */
function fetchesOf({ branches }: TokenShape): number {
  return branches.reduce(
    (sum, { mode, probability, shape }) =>
      sum + probability * (mode === 'exchange' ? 1 : shape ? fetchesOf(shape) : 0),
    0,
  );
}

interface ViewOptions {
  readonly budgets: HopBudgets;
  readonly walk: Walk;
  readonly moved: ReadonlySet<Branch>;
  readonly measure: Measure;
  readonly encoding: Encoding;
}

class View {
  readonly #budgets: HopBudgets;
  readonly #walk: Walk;
  readonly #moved: ReadonlySet<Branch>;
  readonly #encoding: Encoding;
  readonly #sizes: PackedSizes;

  constructor(root: MeasuredToken, { budgets, walk, moved, measure, encoding }: ViewOptions) {
    this.#budgets = budgets;
    this.#walk = walk;
    this.#moved = moved;
    this.#encoding = encoding;
    this.#sizes = new PackedSizes(root, measure);
  }

  token(token: MeasuredToken, mode: Mode, calls: readonly CallPlan[], probability: number): CallView {
    const { shape, children } = token;
    const budget = this.#roomOf(shape, calls);
    const issued = new Map(children.map((child) => [child.branch, child.token]));
    const packedAs = this.#sizes.coding(token);
    const coding = this.#encoding === 'packed' || packedAs === 'bare' ? packedAs : 'nested';
    const bytes = { nested: token.bytes, packed: this.#sizes.bound(token) };
    return {
      service: shape.service.name,
      audience: shape.service.audience,
      scope: shape.scopes.map((scope) => scope.name),
      claims: namesOf(shape.claims),
      mode,
      probability,
      bytes,
      coding,
      budget: {
        limit: budget.limit ?? null,
        profile: budget.profile ?? null,
        fits: fits(coding === 'packed' ? bytes.packed : bytes.nested, budget),
      },
      calls: shape.branches.map((branch) => {
        const child = issued.get(branch);
        const view = child
          ? this.token(child, branch.mode, branch.calls, branch.probability)
          : this.#unissued(branch, shape);
        return { ...view, origins: originsOf(branch, shape) };
      }),
    };
  }

  /** The smallest room on the token's ways: to its own service, and on to those that get it forwarded. */
  #roomOf({ service, branches }: TokenShape, calls: readonly CallPlan[]): HopBudget {
    const forwards = branches.flatMap(({ mode, service: target, calls: on }) =>
      mode === 'forward' && target ? [this.#budgets.of(target, on)] : [],
    );
    return forwards.reduce(
      (smallest, budget) => ((budget.limit ?? Infinity) < (smallest.limit ?? Infinity) ? budget : smallest),
      this.#budgets.of(service, calls),
    );
  }

  /** A call that brings no token of its own into the tree. */
  #unissued(branch: Branch, caller: TokenShape): CallView {
    const { callee, service, scopes, mode, probability } = branch;
    const claims =
      mode === 'exchange' && service
        ? this.#walk.shape(service, scopes, caller.service).claims
        : mode === 'forward'
          ? caller.claims
          : [];
    return {
      service: callee,
      ...(service ? { audience: service.audience } : {}),
      scope: scopes.map((scope) => scope.name),
      claims: namesOf(claims),
      mode,
      ...(this.#moved.has(branch) ? { moved: true } : {}),
      probability,
      calls: [],
    };
  }
}

/** Rule 2: which of the caller's scopes brought each scope of a merged call. */
function originsOf({ scopes, calls }: Branch, caller: TokenShape): NonNullable<CallView['origins']> {
  return scopes.map((scope) => {
    const bringing = new Set(calls.filter((call) => call.scopes.includes(scope)));
    const own = caller.scopes.filter((each) => each.calls.some((call) => bringing.has(call)));
    const always = caller.service.calls.some((call) => bringing.has(call));
    return { scope: scope.name, by: [...(always ? ['*'] : []), ...own.map(({ name }) => name)] };
  });
}

function namesOf(claims: readonly ClaimNeed[]): string[] {
  return claims.map(({ claim, required }) => `${claim.name}${required ? '!' : ''}`);
}

/** Whether every token of the tree fits its hop. */
export function everyHopFits(view: CallView): boolean {
  return view.budget?.fits !== false && view.calls.every(everyHopFits);
}
