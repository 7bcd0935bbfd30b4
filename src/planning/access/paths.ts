/**
 * Why a client reaches a scope or a claim: every client that reaches it, and the paths of calls that lead there. In: a
 * plan, and a scope or a claim. Out: plain data. A graph can have exponentially many paths: the result has the shortest,
 * and the number of all.
 */
import { usageError } from '../../errors.ts';
import {
  didYouMean,
  topologicalOrder,
  type ClientPlan,
  type Plan,
  type ScopePlan,
} from '../../graph/index.ts';
import { Calls, isClient, type PathStep, type Step } from './calls.ts';

export interface ClientPaths {
  readonly client: string;
  /**
   * The number of paths; null if calls on demand form cycles and there are too many to count. Not exact above 2^53.
   */
  readonly count: number | null;
  /** The shortest paths. */
  readonly ways: readonly (readonly PathStep[])[];
}

export interface Reached {
  /** `service:scope` of every target. */
  readonly targets: readonly string[];
  readonly clients: readonly ClientPaths[];
}

export interface PathOptions {
  /** Most paths of each client. Default: 5. */
  readonly most?: number;
}

/** @throws WaybillError `usage` for a service or a scope that the graph does not have. */
export function pathsToScope(plan: Plan, target: string, options: PathOptions = {}): Reached {
  const [name = '', ...rest] = target.split(':');
  const service = plan.services.get(name);
  if (!service)
    throw usageError(`There is no service ${name}. ${didYouMean(name, plan.services.keys())}`.trimEnd());
  const wanted = rest.join(':');
  const scope = service.scopes.get(wanted);
  if (!scope) {
    const known =
      didYouMean(wanted, service.scopes.keys()) || `It has: ${[...service.scopes.keys()].join(', ')}.`;
    throw usageError(`${name} has no scope ${wanted || '(write SERVICE:SCOPE)'}. ${known}`);
  }
  return pathsTo(plan, new Set([scope]), options);
}

/** @throws WaybillError `usage` for a claim that no token carries. */
export function pathsToClaim(plan: Plan, claim: string, options: PathOptions = {}): Reached {
  const targets = new Set<ScopePlan>();
  const names = new Set<string>();
  for (const service of plan.services.values()) {
    for (const scope of service.scopes.values()) {
      const claims = [...service.claims, ...scope.claims].map((need) => need.claim.name);
      for (const name of claims) names.add(name);
      if (claims.includes(claim)) targets.add(scope);
    }
  }
  if (targets.size === 0)
    throw usageError(`No service names the claim ${claim}. ${didYouMean(claim, names)}`.trimEnd());
  return pathsTo(plan, targets, options);
}

function pathsTo(plan: Plan, targets: ReadonlySet<ScopePlan>, { most = 5 }: PathOptions): Reached {
  const calls = new Calls(plan);
  const counts = countPaths(plan, calls, targets);
  const found = shortestPaths(calls, targets, most);
  const clients = [...plan.clients.values()].flatMap((client): ClientPaths[] => {
    const { ways, isAll } = found.get(client) ?? { ways: [], isAll: true };
    if (ways.length === 0) return [];
    const count = counts.get(client) ?? (isAll ? ways.length : null);
    return [{ client: client.name, count, ways: ways.map((way) => way.map((step) => calls.describe(step))) }];
  });
  return { targets: [...targets].map((scope) => calls.nameOf(scope)), clients };
}

/** The number of paths from each caller to a target; callers that reach a cycle are absent. */
function countPaths(
  plan: Plan,
  calls: Calls,
  targets: ReadonlySet<ScopePlan>,
): ReadonlyMap<Step['from'], number> {
  const scopes = [...plan.services.values()].flatMap((service) => [...service.scopes.values()]);
  const callers: Step['from'][] = [...plan.clients.values(), ...scopes];
  // Callees first.
  const { order } = topologicalOrder(callers, (callee) =>
    isClient(callee) ? [] : (calls.to.get(callee) ?? []).map(({ from }) => from),
  );
  const counts = new Map<Step['from'], number>();
  for (const caller of order) {
    const own = !isClient(caller) && targets.has(caller) ? 1 : 0;
    const below = (calls.outOf.get(caller) ?? []).map(({ to }) => counts.get(to) ?? 0);
    counts.set(
      caller,
      below.reduce((sum, count) => sum + count, own),
    );
  }
  return counts;
}

/** Most paths that are followed, complete or not. */
const MAX_FOLLOWED = 100_000;

interface Path {
  readonly step: Step;
  /** The rest of the path to the target. */
  readonly rest: Path | undefined;
}

interface Found {
  readonly ways: Step[][];
  /** Whether there are no others. */
  isAll: boolean;
}

/** From the targets up, the shortest paths first; no path visits a scope twice. */
function shortestPaths(
  calls: Calls,
  targets: ReadonlySet<ScopePlan>,
  most: number,
): ReadonlyMap<ClientPlan, Found> {
  const found = new Map<ClientPlan, Found>();
  const queue: Path[] = [...targets].flatMap((target) =>
    (calls.to.get(target) ?? []).map((step) => ({ step, rest: undefined })),
  );
  // The first path over each scope is always followed, so that every client has its shortest.
  const reached = new Set<ScopePlan>(targets);
  for (const path of queue) {
    const { from } = path.step;
    if (isClient(from)) {
      const { ways, ...others } = found.get(from) ?? { ways: [], isAll: true };
      const isFull = ways.length >= most;
      if (!isFull) ways.push(stepsOf(path));
      found.set(from, { ways, isAll: others.isAll && !isFull });
      continue;
    }
    if (visits(path, from)) continue;
    const isFirst = !reached.has(from);
    reached.add(from);
    if (!isFirst && queue.length > MAX_FOLLOWED) {
      for (const each of found.values()) each.isAll = false;
      continue;
    }
    for (const step of calls.to.get(from) ?? []) queue.push({ step, rest: path });
  }
  return found;
}

function visits(path: Path, scope: ScopePlan): boolean {
  for (let at: Path | undefined = path; at; at = at.rest) if (at.step.to === scope) return true;
  return false;
}

function stepsOf(path: Path): Step[] {
  const steps: Step[] = [];
  for (let at: Path | undefined = path; at; at = at.rest) steps.push(at.step);
  return steps;
}
