/** Where a tree is too large: its first hop, from the root down, that has no room for its token. */
import type { CallPlan } from '../graph/index.ts';
import { fits, type HopBudgets } from './hop.ts';
import type { MeasuredToken } from './measure.ts';

export interface Misfit {
  readonly hop: string;
  readonly bytes: number;
  readonly limit: number;
  /** What binds: the name of a profile, or whose limit it is. */
  readonly profile: string;
}

export interface Rooms {
  readonly budgets: HopBudgets;
  /** `issuer.limits.nested`. */
  readonly nested: number;
}

/**
 * @param caller who presents the root.
 * @param calls the calls that lead to it.
 */
export function firstMisfit(
  caller: string,
  root: MeasuredToken,
  calls: readonly CallPlan[],
  { budgets, nested }: Rooms,
): Misfit | undefined {
  if (root.bytes > nested) {
    const hop = `${caller} -> ${root.shape.service.name}`;
    return { hop, bytes: root.bytes, limit: nested, profile: 'issuer.limits.nested' };
  }
  return misfitFrom(caller, root, calls, budgets);
}

function misfitFrom(
  caller: string,
  { shape, bytes, children }: MeasuredToken,
  calls: readonly CallPlan[],
  budgets: HopBudgets,
): Misfit | undefined {
  const { service, branches } = shape;
  // The callee of a forward gets this very token.
  const forwards = branches.flatMap(({ mode, service: to, calls: on }) =>
    mode === 'forward' && to ? [{ from: service.name, to, calls: on }] : [],
  );
  for (const { from, to, calls: on } of [{ from: caller, to: service, calls }, ...forwards]) {
    const budget = budgets.of(to, on);
    if (budget.limit === undefined || fits(bytes, budget)) continue;
    return { hop: `${from} -> ${to.name}`, bytes, limit: budget.limit, profile: budget.profile ?? '' };
  }
  for (const { branch, token } of children) {
    const misfit = misfitFrom(service.name, token, branch.calls, budgets);
    if (misfit) return misfit;
  }
  return undefined;
}
