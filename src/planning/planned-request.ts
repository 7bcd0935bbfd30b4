/** A request, resolved and planned within the budgets of its hops, for views, comparisons and advice. */
import { WaybillError, usageError } from '../errors.ts';
import {
  Walk,
  claimAt,
  didYouMean,
  isAllowed,
  resolveRequest,
  type CallPlan,
  type ClientPlan,
  type Encoding,
  type Plan,
  type RequestFacts,
  type TokenShape,
  type TreeRequest,
  type Withholding,
} from '../graph/index.ts';
import {
  TreePlanner,
  worstCaseOf,
  type ClaimBytes,
  type HopBudget,
  type HopBudgets,
  type MeasuredToken,
  type TreePlan,
} from './header-budget/index.ts';

/** Larger trees are counted, not drawn: no limit allows to issue them. */
const MAX_DRAWN = 4096;

/** A request with its tree, before anything is measured. */
export interface ResolvedRequest {
  readonly client: ClientPlan;
  readonly scope: string;
  readonly shape: TokenShape;
  /** The client's calls that lead to the tree. */
  readonly calls: readonly CallPlan[];
  readonly walk: Walk;
  /** What its conditions withhold; absent where all are taken to hold. */
  readonly withholding: Withholding | undefined;
}

/** @throws WaybillError as `planRequest` does, and for a tree that is too large to be drawn token by token. */
export function resolve(plan: Plan, clientName: string, request: TreeRequest): ResolvedRequest {
  const resolved = resolveShape(plan, clientName, request);
  const { tokens } = resolved.shape;
  if (tokens > MAX_DRAWN) {
    throw new WaybillError(
      'invalid_scope',
      `This request gets ${tokens.toLocaleString('en')} tokens. Trees of more than ${MAX_DRAWN} are not drawn.`,
    );
  }
  return resolved;
}

/**
 * @throws WaybillError `usage` for an unknown client; `invalid_scope` or `invalid_target` as the issuer would;
 *   `graph_invalid` for a tree whose tokens are too many or too deep to be listed.
 */
export function resolveShape(plan: Plan, clientName: string, request: TreeRequest): ResolvedRequest {
  const client = plan.clients.get(clientName);
  if (!client) {
    throw usageError(
      `The graph has no client ${clientName}. ${didYouMean(clientName, plan.clients.keys()) || `It has: ${[...plan.clients.keys()].join(', ') || 'none'}.`}`,
    );
  }
  const { service, scopes, decision, withholding } = resolveRequest(plan, client, {
    anyFacts: true,
    ...request,
  });
  const walk = new Walk(decision);
  const shape = walk.shape(service, scopes);
  const calls = client.calls.filter((call) => call.service === service);
  return { client, scope: scopes.map((each) => each.name).join(' '), shape, calls, walk, withholding };
}

/** A request with the tree that it would get, of the largest values where they are not known. */
export interface PlannedRequest extends ResolvedRequest, TreePlan {
  readonly encoding: Encoding;
  readonly budgets: HopBudgets;
}

/** @throws WaybillError as `resolve` does. */
export function planTree(plan: Plan, clientName: string, request: TreeRequest): PlannedRequest {
  const resolved = resolve(plan, clientName, request);
  const { client, shape, calls } = resolved;
  const planner = new TreePlanner(plan);
  const worst = worstCaseOf(client);
  const values = request.facts
    ? { ...worst, claimBytes: knownBytes(worst.claimBytes, request.facts) }
    : worst;
  const measure = planner.measure(values, client.token === 'opaque');
  const { encoding } = plan.issuer;
  const planned = planner.planTree({ shape, presenter: client.name, calls, encoding, measure });
  return { ...resolved, ...planned, encoding, budgets: planner.budgets };
}

/** A value that is known has its own size, and one that the request does not have has none. */
function knownBytes(worst: ClaimBytes, { subject, request }: RequestFacts): ClaimBytes {
  return (claim) => {
    const { source, name } = claim;
    if (!('from' in source) || source.from === 'client') return worst(claim);
    const value =
      source.from === 'request' ? request?.get(name) : subject && claimAt(subject.claims, source.path);
    return isAllowed(value, claim) ? Buffer.byteLength(JSON.stringify(value)) : undefined;
  };
}

/** One token of a planned request, as it travels. */
export interface SizedToken {
  /** The client, then each service down to the token's own. */
  readonly path: readonly string[];
  readonly bytes: number;
  /** The smallest of the token's hops. */
  readonly budget: HopBudget;
}

/** Callers before callees. */
export function* sizedTokens(
  planned: PlannedRequest,
  token: MeasuredToken = planned.tree.root,
  calls: readonly CallPlan[] = planned.calls,
  above: readonly string[] = [planned.client.name],
): Generator<SizedToken> {
  const { tree, encoding, budgets } = planned;
  const path = [...above, token.shape.service.name];
  yield { path, bytes: tree.bytes(token, encoding), budget: budgets.budgetForToken(token.shape, calls) };
  for (const { branch, token: child } of token.children)
    yield* sizedTokens(planned, child, branch.calls, path);
}
