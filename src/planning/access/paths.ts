/**
 * Why a client reaches a scope or a claim: every client that reaches it, and the paths of calls that lead there. In: a
 * plan, and a scope or a claim. Out: plain data. A graph can have exponentially many paths: the result has the shortest,
 * and the number of all.
 */
import { getOrAdd } from '../../get-or-add.ts';
import { usageError } from '../../errors.ts';
import {
  conditionsOn,
  didYouMean,
  topologicalOrder,
  type CallPlan,
  type ClientPlan,
  type Condition,
  type Plan,
  type ScopePlan,
  type ServicePlan,
} from '../../graph/index.ts';

export interface PathStep {
  /** The client, or `service:scope`. */
  readonly caller: string;
  /** `service:scope` */
  readonly callee: string;
  readonly mode: CallPlan['mode'];
  /** What the user's claims must be for a client's call to get this scope; absent where nothing is asked of them. */
  readonly when?: readonly Condition[];
  /** Where the call is declared. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

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

interface Step {
  readonly from: ScopePlan | ClientPlan;
  readonly to: ScopePlan;
  readonly call: CallPlan;
}

/** The calls of a plan, scope by scope; a call that a service makes in any scope counts for each. */
class Calls {
  readonly to = new Map<ScopePlan, Step[]>();
  readonly outOf = new Map<ScopePlan | ClientPlan, Step[]>();
  readonly #services = new Map<ScopePlan, ServicePlan>();

  constructor(plan: Plan) {
    for (const client of plan.clients.values()) this.#take(client, client.calls);
    for (const service of plan.services.values()) {
      for (const scope of service.scopes.values()) {
        this.#services.set(scope, service);
        this.#take(scope, service.calls);
        this.#take(scope, scope.calls);
      }
    }
  }

  #take(from: Step['from'], calls: readonly CallPlan[]): void {
    for (const call of calls) {
      if (call.mode === 'none') continue;
      for (const to of call.scopes) {
        const step = { from, to, call };
        getOrAdd(this.to, to, () => []).push(step);
        getOrAdd(this.outOf, from, () => []).push(step);
      }
    }
  }

  nameOf(scope: ScopePlan): string {
    return `${this.#services.get(scope)!.name}:${scope.name}`;
  }

  describe({ from, to, call }: Step): PathStep {
    const { line, column } = call.source.locate(call.offset);
    const caller = isClient(from) ? from.name : this.nameOf(from);
    const when = conditionsOn([call], [to]);
    return {
      caller,
      callee: this.nameOf(to),
      mode: call.mode,
      ...(when.length > 0 ? { when } : {}),
      file: call.source.file,
      line,
      column,
    };
  }
}

function isClient(caller: Step['from']): caller is ClientPlan {
  return 'grants' in caller;
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
