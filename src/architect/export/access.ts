/** Who may do what at each service, as the graph says: what every export is made from. */
import { callersOf, type Caller, type Plan, type ScopePlan, type ServicePlan } from '../../graph/index.ts';

/** One who calls a service with scopes; a call without a token gives access to nothing. */
export interface Access {
  readonly caller: Caller;
  readonly scopes: readonly ScopePlan[];
}

/** By service, in the order of declaration; a service that nobody calls has an empty list. */
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

/** Callees that nothing declares, and the names of who calls them. */
export function undeclaredCallees(plan: Plan): ReadonlyMap<string, readonly string[]> {
  const callees = new Map<string, string[]>();
  for (const { name, branches } of callersOf(plan)) {
    for (const { callee, service } of branches) {
      if (!service) callees.set(callee, [...(callees.get(callee) ?? []), name]);
    }
  }
  return callees;
}
