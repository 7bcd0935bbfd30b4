/** What the tree of a request passes, nested and packed, and what would change that: what `waybill plan --fit` tells. */
import { adviseFit, type FitAdvice } from './header-budget/index.ts';
import { subjectClaimsOf, type Encoding, type Plan, type TreeRequest } from '../graph/index.ts';
import { measureFor, resolve } from './request-plan.ts';

export interface RequestFit extends FitAdvice {
  readonly client: string;
  /** Granted scopes of the entry, space-separated. */
  readonly scope: string;
  readonly depth: number;
  /** How the graph's trees travel. */
  readonly encoding: Encoding;
}

/** @throws WaybillError as `planRequest` does. */
export function adviseRequest(plan: Plan, clientName: string, request: TreeRequest): RequestFit {
  const { client, scope, shape, calls } = resolve(plan, clientName, request);
  const measure = measureFor(plan, client, client.token === 'opaque');
  const subjectClaims = subjectClaimsOf(plan);
  return {
    client: client.name,
    scope,
    depth: shape.depth,
    encoding: plan.issuer.encoding,
    ...adviseFit({ plan, client, shape, calls, measure, subjectClaims }),
  };
}
