/** Who can read and who can spend what a request brings: what `waybill plan --holders` tells. */
import { treeHolders, type TreeHolders } from './access/index.ts';
import type { Plan, TreeRequest } from '../graph/index.ts';
import { resolveShape } from './planned-request.ts';

export interface RequestHolders extends TreeHolders {
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
export function holdersOf(plan: Plan, clientName: string, request: TreeRequest): RequestHolders {
  const { client, scope, shape, walk } = resolveShape(plan, clientName, request);
  const holders = treeHolders(plan, client, shape.body, (branch) => walk.fetched(branch));
  return { client: client.name, scope, ...holders };
}
