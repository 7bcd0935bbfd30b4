/** Advice on the size of a request's tree, as `waybill plan --fit` prints it. */
import { TreePlanner, adviseFit, type FitAdvice } from './header-budget/index.ts';
import type { Plan, TreeRequest } from '../graph/index.ts';
import { resolve } from './planned-request.ts';
import type { RequestPlan } from './request-plan.ts';

export type RequestFit = FitAdvice & Pick<RequestPlan, 'client' | 'scope' | 'depth' | 'encoding'>;

/** @throws WaybillError as `planRequest` does. */
export function adviseRequest(plan: Plan, clientName: string, request: TreeRequest): RequestFit {
  const { client, scope, shape, calls } = resolve(plan, clientName, request);
  return {
    client: client.name,
    scope,
    depth: shape.depth,
    encoding: plan.issuer.encoding,
    ...adviseFit({ planner: new TreePlanner(plan), client, shape, calls }),
  };
}
