/**
 * The view of a planned request that `waybill plan` prints: the tree, hop by hop, with the largest values. A tree that
 * does not fit is shown too, so that an architect sees where.
 */
import {
  fits,
  type BudgetViolation,
  type Coding,
  type MeasuredToken,
  type Overflow,
} from './header-budget/index.ts';
import {
  audienceOf,
  termsOf,
  type Branch,
  type CallMode,
  type CallTerms,
  type ClaimNeed,
  type Encoding,
  type Plan,
  type TokenShape,
  type TreeRequest,
} from '../graph/index.ts';
import { withheldCalls, type WithheldCall } from './withheld-calls.ts';
import { planTree, type PlannedRequest } from './planned-request.ts';

/** The calls that became exchanges so that every token fits. */
export interface OverflowView {
  /** The first hop whose budget the tree as declared exceeds. */
  readonly because: {
    readonly hop: string;
    readonly bytes: number;
    /** How the token travels at this size. */
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
  /** Expected round trips for tokens in one request: with the calls on demand as declared, and now. */
  readonly round_trips: { readonly before: number; readonly after: number };
  /** The optimality gap: how many round trips fewer the best choice could take; 0 if this is the best. */
  readonly gap: number;
}

export interface RequestPlan {
  readonly client: string;
  /** Granted scopes of the entry, space-separated. */
  readonly scope: string;
  readonly tokens: number;
  readonly depth: number;
  /** The encoding of the graph. */
  readonly encoding: Encoding;
  /** Present if the tree as declared does not fit and `issuer.overflow` moved calls. */
  readonly overflow?: OverflowView;
  /** Scopes that were asked for, whose conditions do not hold; absent where there are none, or no facts are given. */
  readonly withheld?: readonly WithheldCall[];
  readonly root: CallView;
}

/** One call and the token that it carries. */
export interface CallView extends CallTerms {
  readonly service: string;
  /** A list where the service has several; absent for a callee outside the graph. */
  readonly audience?: string | readonly string[];
  readonly scope: readonly string[];
  /** The caller's scopes that need each of these scopes; `*` stands for a call that its service makes in any scope. */
  readonly origins?: readonly { readonly scope: string; readonly by: readonly string[] }[];
  /** The names of the token's claims; `!` marks a required one. */
  readonly claims: readonly string[];
  readonly mode: CallMode;
  /** Declared as embedded, and now fetched because the tree is too large. */
  readonly moved?: true;
  /** How often the call is made, from 0 to 1. */
  readonly probability: number;
  /**
   * Size with the largest values in either encoding; present if the token is issued with the tree. Both are the same for
   * a token without children, and for one that travels nested because a service accepts only JWTs.
   */
  readonly bytes?: { readonly nested: number; readonly packed: number };
  /** How the token travels; present where `bytes` is. The budget is for this coding. */
  readonly coding?: Coding;
  readonly budget?: {
    /** Bytes of the largest token that passes; null if nothing limits it. */
    readonly limit: number | null;
    readonly profile: string | null;
    readonly fits: boolean;
  };
  readonly calls: readonly CallView[];
  /** Calls, or some of their scopes, whose conditions do not hold; absent where there are none, or no facts are given. */
  readonly withheld?: readonly WithheldCall[];
}

/**
 * Plans a request without signing anything: the tokens that the issuer would sign, who embeds which, and how many bytes each
 * has at most. The result is plain data, as `waybill plan --json` prints it.
 *
 * @param request the scopes, and the claims of the user for whom the client asks, if there is one.
 * @throws WaybillError `usage` for an unknown client; `invalid_scope` or `invalid_target` as the issuer would; `graph_invalid`
 *   for a tree whose tokens are too many or too deep to be listed.
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
  const planned = planTree(plan, clientName, request);
  const { client, scope, shape, calls, encoding, tree, violation, overflow } = planned;
  const { tokens, depth } = tree.root.shape;
  const probability = Math.max(...calls.map((call) => call.probability));
  const asked = new Set(request.scopes?.length ? request.scopes : client.defaultScopes);
  const withheld = withheldCalls([calls], planned.withholding, ({ name }) => asked.has(name));
  return {
    client: client.name,
    scope,
    tokens,
    depth,
    encoding,
    ...(violation && overflow ? { overflow: overflowView(violation, overflow, shape) } : {}),
    ...(withheld.length > 0 ? { withheld } : {}),
    root: viewOf(planned, tree.root, { mode: 'embed', calls, probability }),
  };
}

function overflowView(
  because: BudgetViolation,
  { moved, roundTrips, gap }: Overflow,
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

/** Expected round trips for the calls on demand of a tree. */
function fetchesOf({ branches }: TokenShape): number {
  return branches.reduce(
    (sum, { mode, probability, shape }) =>
      sum + probability * (mode === 'exchange' ? 1 : shape ? fetchesOf(shape) : 0),
    0,
  );
}

type Incoming = Pick<Branch, 'mode' | 'calls' | 'probability'>;

function viewOf(planned: PlannedRequest, token: MeasuredToken, incoming: Incoming): CallView {
  const { shape, children } = token;
  const { budgets, encoding, tree } = planned;
  const { mode, calls, probability } = incoming;
  const budget = budgets.budgetForToken(shape, calls);
  const lists = [shape.service.calls, ...shape.scopes.map((scope) => scope.calls)];
  const withheld = withheldCalls(lists, planned.withholding);
  const issued = new Map(children.map((child) => [child.branch, child.token]));
  return {
    service: shape.service.name,
    audience: audienceOf(shape.service),
    scope: shape.scopes.map((scope) => scope.name),
    claims: namesOf(shape.claims),
    mode,
    ...termsOf(calls, shape.scopes),
    probability,
    bytes: { nested: token.bytes, packed: tree.bytes(token, 'packed') },
    coding: tree.coding(token, encoding),
    budget: {
      limit: budget.limit ?? null,
      profile: budget.profile ?? null,
      fits: fits(tree.bytes(token, encoding), budget),
    },
    calls: shape.branches.map((branch) => {
      const child = issued.get(branch);
      const view = child ? viewOf(planned, child, branch) : unissued(planned, branch, shape);
      return { ...view, origins: originsOf(branch, shape) };
    }),
    ...(withheld.length > 0 ? { withheld } : {}),
  };
}

/** A call that embeds no token. */
function unissued({ overflow, walk }: PlannedRequest, branch: Branch, caller: TokenShape): CallView {
  const { callee, service, scopes, mode, probability, calls } = branch;
  const claims =
    mode === 'exchange' && service
      ? walk.shape(service, scopes, caller.service).claims
      : mode === 'forward'
        ? caller.claims
        : [];
  const isMoved = overflow?.moved.some((each) => each.branch === branch);
  return {
    service: callee,
    ...(service ? { audience: audienceOf(service) } : {}),
    scope: scopes.map((scope) => scope.name),
    claims: namesOf(claims),
    mode,
    ...(isMoved ? { moved: true } : {}),
    ...termsOf(calls, scopes),
    probability,
    calls: [],
  };
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
