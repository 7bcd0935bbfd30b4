/**
 * What a request would issue, hop by hop, at its largest: what `waybill plan` shows. Nothing is signed, and a tree that
 * does not fit is shown too, so that an architect sees where.
 */
import {
  HopBudgets,
  Measure,
  fits,
  signingSize,
  worstClaimBytes,
  worstSubject,
  type HopBudget,
  type MeasuredToken,
} from './budget/index.ts';
import { WaybillError } from './errors.ts';
import {
  Walk,
  didYouMean,
  heldClaimsOf,
  resolveRequest,
  type Branch,
  type CallPlan,
  type ClaimNeed,
  type Mode,
  type Plan,
  type TokenShape,
  type TreeRequest,
} from './graph/index.ts';

/** What had to become an exchange for every token to fit. */
export interface OverflowView {
  /** The first hop that the tree as declared is too large for. */
  readonly because: {
    readonly hop: string;
    readonly bytes: number;
    readonly limit: number;
    readonly profile: string;
  };
  readonly moved: readonly { readonly caller: string; readonly callee: string; readonly scope: string }[];
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
  /** Names of the claims that the token carries; `!` behind one that it must. */
  readonly claims: readonly string[];
  readonly mode: Mode;
  /** Declared as embedded, and fetched because the tree is too large. */
  readonly moved?: true;
  /** How often the call is made, from 0 to 1. */
  readonly probability: number;
  /** Of the token, for the largest values; present where one is issued with the tree. */
  readonly bytes?: { readonly nested: number };
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

/** @throws WaybillError `usage` for an unknown client; `invalid_scope` or `invalid_target` as the issuer would. */
export function planRequest(plan: Plan, clientName: string, request: TreeRequest): RequestPlan {
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
  if (shape.tokens > MAX_DRAWN) {
    throw new WaybillError(
      'invalid_scope',
      `This request means ${shape.tokens.toLocaleString('en')} tokens; more than ${MAX_DRAWN} are not drawn.`,
    );
  }
  const { url, signing } = plan.issuer;
  const measure = new Measure({
    issuer: url,
    sub: worstSubject(client),
    clientId: client.name,
    signing: signingSize(signing),
    claimBytes: worstClaimBytes(client),
    heldClaims: heldClaimsOf(plan),
    exchanged: client.token === 'opaque',
  });
  const view = new View(new HopBudgets(), walk);
  const calls = client.calls.filter((call) => call.service === service);
  return {
    client: client.name,
    scope: scopes.map((scope) => scope.name).join(' '),
    tokens: shape.tokens,
    depth: shape.depth,
    root: view.token(
      measure.exact(shape),
      'embed',
      calls,
      Math.max(...calls.map((call) => call.probability)),
    ),
  };
}

class View {
  readonly #budgets: HopBudgets;
  readonly #walk: Walk;

  constructor(budgets: HopBudgets, walk: Walk) {
    this.#budgets = budgets;
    this.#walk = walk;
  }

  token(token: MeasuredToken, mode: Mode, calls: readonly CallPlan[], probability: number): CallView {
    const { shape, bytes, children } = token;
    const budget = this.#roomOf(shape, calls);
    const issued = new Map(children.map((child) => [child.branch, child.token]));
    return {
      service: shape.service.name,
      audience: shape.service.audience,
      scope: shape.scopes.map((scope) => scope.name),
      claims: namesOf(shape.claims),
      mode,
      probability,
      bytes: { nested: bytes },
      budget: { limit: budget.limit ?? null, profile: budget.profile ?? null, fits: fits(bytes, budget) },
      calls: shape.branches.map((branch) => {
        const child = issued.get(branch);
        return child
          ? this.token(child, branch.mode, branch.calls, branch.probability)
          : this.#unissued(branch, shape);
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
  #unissued({ callee, service, scopes, mode, probability }: Branch, caller: TokenShape): CallView {
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
      probability,
      calls: [],
    };
  }
}

function namesOf(claims: readonly ClaimNeed[]): string[] {
  return claims.map(({ claim, required }) => `${claim.name}${required ? '!' : ''}`);
}

/** Whether every token of the tree fits its hop. */
export function everyHopFits(view: CallView): boolean {
  return view.budget?.fits !== false && view.calls.every(everyHopFits);
}
