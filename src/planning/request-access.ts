/** Who can read and who can spend what a request brings: what `waybill plan --holders` tells. */
import { analyzeTreeAccess, type TreeAccess } from './access/index.ts';
import type { Plan, TreeRequest } from '../graph/index.ts';
import { resolveShape } from './planned-request.ts';

export interface RequestAccess extends TreeAccess {
  readonly client: string;
  /** Granted scopes of the entry, space-separated. */
  readonly scope: string;
}

/**
 * Rule 8 for the tree of one request, and all that services fetch under its tokens. A tree of any size is looked at:
 * each different token once.
 *
 * @throws WaybillError `usage` for an unknown client; `invalid_scope` or `invalid_target` as the issuer would.
 */
export function analyzeAccess(plan: Plan, clientName: string, request: TreeRequest): RequestAccess {
  const { client, scope, shape, walk } = resolveShape(plan, clientName, request);
  const holders = analyzeTreeAccess(plan, client, shape.body, (branch) => walk.fetched(branch));
  return { client: client.name, scope, ...holders };
}
