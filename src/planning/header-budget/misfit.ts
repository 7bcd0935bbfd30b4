/** Where a tree is too large: its first hop, from the root down, that has no room for its token. */
import type { CallPlan } from '../../graph/index.ts';
import type { Coding } from './coding.ts';
import { fits, type HopBudgets } from './hop.ts';
import type { MeasuredToken } from './measure.ts';

export interface Misfit {
  readonly hop: string;
  readonly bytes: number;
  /** As what the token has so many bytes. */
  readonly coding: Coding;
  readonly limit: number;
  /** What binds: the name of a profile, or whose limit it is. */
  readonly profile: string;
}

export interface Rooms {
  readonly budgets: HopBudgets;
  /** `issuer.limits.nested`. */
  readonly nested: number;
  /** Where the tree is sent packed: as what each token travels, and what it takes then. Absent: it is sent nested. */
  readonly packed?: PackedRooms | undefined;
}

export interface PackedRooms {
  readonly coding: (token: MeasuredToken) => Coding;
  readonly bytes: (token: MeasuredToken) => number;
}

/**
 * @param caller who presents the root.
 * @param calls the calls that lead to it.
 */
export function firstMisfit(
  caller: string,
  root: MeasuredToken,
  calls: readonly CallPlan[],
  rooms: Rooms,
): Misfit | undefined {
  const { nested } = rooms;
  if (root.bytes > nested) {
    const hop = `${caller} -> ${root.shape.service.name}`;
    const coding = root.children.length > 0 ? 'nested' : 'bare';
    return { hop, bytes: root.bytes, coding, limit: nested, profile: 'issuer.limits.nested' };
  }
  return misfitFrom(caller, root, calls, rooms);
}

function misfitFrom(
  caller: string,
  token: MeasuredToken,
  calls: readonly CallPlan[],
  rooms: Rooms,
): Misfit | undefined {
  const { shape, children } = token;
  const { service, branches } = shape;
  // The callee of a forward gets this very token.
  const forwards = branches.flatMap(({ mode, service: to, calls: on }) =>
    mode === 'forward' && to ? [{ from: service.name, to, calls: on }] : [],
  );
  for (const { from, to, calls: on } of [{ from: caller, to: service, calls }, ...forwards]) {
    const budget = rooms.budgets.of(to, on);
    // No packed token is larger than the nested one, and it takes longer to weigh.
    if (budget.limit === undefined || fits(token.bytes, budget)) continue;
    const coding = children.length === 0 ? 'bare' : (rooms.packed?.coding(token) ?? 'nested');
    const bytes = (coding === 'packed' ? rooms.packed?.bytes(token) : undefined) ?? token.bytes;
    if (fits(bytes, budget)) continue;
    const hop = `${from} -> ${to.name}`;
    return { hop, bytes, coding, limit: budget.limit, profile: budget.profile ?? '' };
  }
  for (const { branch, token: child } of children) {
    const misfit = misfitFrom(service.name, child, branch.calls, rooms);
    if (misfit) return misfit;
  }
  return undefined;
}
