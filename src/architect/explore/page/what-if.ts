/**
 * Applies changes to a plan: encoding, signing algorithm, modes of calls. Returns a new plan. The rules of
 * `waybill check` are not applied, except that a cycle of embedded calls has no tree.
 */
import { usageError } from '../../../errors.ts';
import {
  MAX_WALKED_LEVELS,
  type CallPlan,
  type Plan,
  type ScopePlan,
  type ServicePlan,
} from '../../../graph/index.ts';
import { readPlan } from '../plan-text.ts';

/** A call can switch between these modes without another change of the graph. */
export type TriedMode = 'embed' | 'exchange';

export interface Changes {
  readonly encoding?: Plan['issuer']['encoding'];
  readonly signing?: Plan['issuer']['signing'];
  /** By caller and callee, `frontend>ads`. */
  readonly modes: Readonly<Record<string, TriedMode>>;
}

export const NO_CHANGES: Changes = { modes: {} };

export const callKey = (caller: string, callee: string): string => `${caller}>${callee}`;

export function countChanges({ encoding, signing, modes }: Changes): number {
  return (encoding ? 1 : 0) + (signing ? 1 : 0) + Object.keys(modes).length;
}

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

export function changedPlan(text: string, { encoding, signing, modes }: Changes): Plan {
  const plan = readPlan(text);
  const issuer = { ...plan.issuer, ...(encoding ? { encoding } : {}), ...(signing ? { signing } : {}) };
  for (const [key, mode] of Object.entries(modes)) {
    const [caller = '', callee = ''] = key.split('>');
    for (const call of callsOf(plan.services.get(caller))) {
      // Rule 9: all calls of a service to a callee share one mode.
      if (call.callee === callee && canSwitch(call)) (call as Writable<CallPlan>).mode = mode;
    }
  }
  return { ...plan, issuer };
}

export function canSwitch({ service, mode }: Pick<CallPlan, 'service' | 'mode'>): boolean {
  return service !== undefined && (mode === 'embed' || mode === 'exchange');
}

/** All calls of a service: its own, and those of its scopes. */
export function callsOf(service: ServicePlan | undefined): readonly CallPlan[] {
  return service ? [service.calls, ...[...service.scopes.values()].map((scope) => scope.calls)].flat() : [];
}

/** @throws WaybillError `usage` that names a cycle of embedded calls below these scopes (rule 6). */
export function requireNoCycle(service: ServicePlan, scopes: readonly ScopePlan[]): void {
  const done = new Set<ScopePlan>();
  const path: { readonly at: ServicePlan; readonly scope: ScopePlan }[] = [];
  const visit = (at: ServicePlan, scope: ScopePlan): void => {
    if (done.has(scope) || path.length > MAX_WALKED_LEVELS) return; // the walk refuses what is deeper
    const start = path.findIndex((step) => step.scope === scope);
    if (start >= 0) {
      const cycle = [...path.slice(start), { at, scope }].map((step) => `${step.at.name}:${step.scope.name}`);
      throw usageError(`These calls would embed each other's tokens in a cycle: ${cycle.join(' → ')}.`);
    }
    path.push({ at, scope });
    for (const { mode, service: callee, scopes: called } of [...at.calls, ...scope.calls]) {
      if (mode === 'embed' && callee) for (const each of called) visit(callee, each);
    }
    path.pop();
    done.add(scope);
  };
  for (const scope of scopes) visit(service, scope);
}
