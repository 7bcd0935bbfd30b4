/** The requests of every client for single scopes, each with its tightest hop, as `waybill plan --all` prints them. */
import { isWaybillError, usageError } from '../errors.ts';
import { didYouMean, type ClientPlan, type Plan } from '../graph/index.ts';
import { planTree, sizedTokens, type PlannedRequest } from './planned-request.ts';

export interface RequestRow {
  readonly client: string;
  /** The entry service. */
  readonly entry: string;
  readonly scope: string;
  /** Why the request is refused; the rest is absent then. */
  readonly refused?: string;
  readonly tokens?: number;
  readonly depth?: number;
  /** Number of calls that became exchanges because the tree as declared does not fit. */
  readonly moved?: number;
  readonly fits?: boolean;
  /** The token that uses most of its hop's budget; null if no hop has a limit. */
  readonly worst?: WorstHop | null;
}

export interface WorstHop {
  /** `caller → callee`. */
  readonly hop: string;
  readonly bytes: number;
  readonly limit: number;
  readonly profile: string | null;
}

/**
 * @param clientName whose requests; absent: of all clients.
 * @throws WaybillError `usage` for an unknown client.
 */
export function everyRequest(plan: Plan, clientName?: string): readonly RequestRow[] {
  const clients = [...plan.clients.values()].filter(
    ({ name }) => clientName === undefined || name === clientName,
  );
  if (clientName !== undefined && clients.length === 0)
    throw usageError(
      `The graph has no client ${clientName}. ${didYouMean(clientName, plan.clients.keys())}`.trimEnd(),
    );
  return clients.flatMap((client) => rowsOf(plan, client));
}

function rowsOf(plan: Plan, client: ClientPlan): RequestRow[] {
  return client.calls.flatMap(({ mode, service, scopes }) => {
    if (mode === 'none' || !service) return [];
    return scopes.map(({ name: scope }): RequestRow => {
      const row = { client: client.name, entry: service.name, scope };
      try {
        const request = { scopes: [scope], resources: [service.audience] };
        const planned = planTree(plan, client.name, request);
        const { tokens, depth } = planned.tree.root.shape;
        const hops = limitedHops(planned);
        return {
          ...row,
          tokens,
          depth,
          moved: planned.overflow?.moved.length ?? 0,
          fits: hops.every(({ bytes, limit }) => bytes <= limit),
          worst: hops.toSorted((a, b) => b.bytes / b.limit - a.bytes / a.limit)[0] ?? null,
        };
      } catch (error) {
        if (!isWaybillError(error, 'invalid_scope', 'invalid_target', 'graph_invalid')) throw error;
        return { ...row, refused: error.message };
      }
    });
  });
}

function limitedHops(planned: PlannedRequest): WorstHop[] {
  return Array.from(sizedTokens(planned)).flatMap(({ path, bytes, budget: { limit, profile = null } }) =>
    limit === undefined ? [] : [{ hop: path.slice(-2).join(' → '), bytes, limit, profile }],
  );
}
