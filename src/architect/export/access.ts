/** Who may call what at each service according to the graph: the basis of every export. */
import { callersOf, type Caller, type Plan, type ScopePlan, type ServicePlan } from '../../graph/index.ts';

export interface Access {
  readonly caller: Caller;
  readonly scopes: readonly ScopePlan[];
}

/** By service, in the order of declaration. Calls without a token give no access; a service without callers has an empty list. */
export function accessTo(plan: Plan): ReadonlyMap<ServicePlan, readonly Access[]> {
  const access = new Map(
    [...plan.services.values()].map((service): [ServicePlan, Access[]] => [service, []]),
  );
  for (const caller of callersOf(plan)) {
    for (const { service, mode, scopes } of caller.branches) {
      if (service && mode !== 'none') access.get(service)?.push({ caller, scopes });
    }
  }
  return access;
}

/** Callees that the graph does not declare, with the names of their callers. */
export function undeclaredCallees(plan: Plan): ReadonlyMap<string, readonly string[]> {
  const callees = new Map<string, string[]>();
  for (const { name, branches } of callersOf(plan)) {
    for (const { callee, service } of branches) {
      if (!service) callees.set(callee, [...(callees.get(callee) ?? []), name]);
    }
  }
  return callees;
}
