/** Which tokens of a plan are sealed. */
import { getOrAdd } from '../../get-or-add.ts';
import { allCalls } from './all-calls.ts';
import type { CallPlan, Plan, ServicePlan } from './plan.ts';

/** @param calls that lead to one token, of a client or the merged ones of a service: they agree (rule 9). */
export function isSealedBy(calls: readonly Pick<CallPlan, 'seal'>[]): boolean {
  return calls.some(({ seal }) => seal);
}

/** Whether any call of the graph is sealed. */
export function sealsAny(plan: Plan): boolean {
  return getOrAdd(known, plan, () => [...allCalls(plan)].some(({ seal }) => seal));
}

/** The services into which some call is sealed. */
export function sealedServices(plan: Plan): readonly ServicePlan[] {
  return [...new Set([...allCalls(plan)].flatMap(({ seal, service }) => (seal && service ? [service] : [])))];
}

/** Whoever issues a tree asks for each. */
const known = new WeakMap<Plan, boolean>();
