/** Access analysis of a request, as `waybill plan --holders` prints it. */
import { analyzeTreeAccess, type TreeAccess } from './access/index.ts';
import { conditionsOn, type Condition, type Plan, type TreeRequest } from '../graph/index.ts';
import { resolveShape } from './planned-request.ts';

export interface RequestAccess extends TreeAccess {
  readonly client: string;
  /** Granted scopes of the entry, space-separated. */
  readonly scope: string;
  /** What the user's claims must be for a scope to be granted; absent where nothing is asked of them. */
  readonly when?: readonly Condition[];
}

/**
 * Analyzes the tree of a request and the trees that services fetch with its tokens (rule 8). The tree may have any size:
 * each different token is visited once.
 *
 * @throws WaybillError `usage` for an unknown client; `invalid_scope` or `invalid_target` as the issuer would.
 */
export function analyzeAccess(plan: Plan, clientName: string, request: TreeRequest): RequestAccess {
  const { client, calls, scope, shape, walk } = resolveShape(plan, clientName, request);
  const holders = analyzeTreeAccess(plan, client, shape.body, (branch) => walk.fetched(branch));
  const when = conditionsOn(calls, shape.scopes);
  return { client: client.name, scope, ...(when.length > 0 ? { when } : {}), ...holders };
}
