/** Maps names of a source to parties and scopes of a graph. */
import { getOrAdd } from '../../../get-or-add.ts';
import type { CallPlan, ClientPlan, Plan, ScopePlan, ServicePlan } from '../../../graph/index.ts';
import { scopeCandidates } from '../draft/names.ts';
import { matchScore } from './operation-pattern.ts';

export class GraphNames {
  readonly plan: Plan;
  readonly #renames: ReadonlyMap<string, string>;
  readonly #found = new Map<ServicePlan, Map<string, readonly ScopePlan[]>>();

  /** @param renames name in the source → name in the graph. */
  constructor(plan: Plan, renames: ReadonlyMap<string, string> = new Map()) {
    this.plan = plan;
    this.#renames = renames;
  }

  /** The graph's name for it, whether or not the graph has such a party. */
  nameOf(seen: string): string {
    return this.#renames.get(seen) ?? seen;
  }

  service(seen: string): ServicePlan | undefined {
    return this.plan.services.get(this.nameOf(seen));
  }

  client(seen: string): ClientPlan | undefined {
    return this.plan.clients.get(this.nameOf(seen));
  }

  /** The scopes that an operation belongs to: by `operations`, else by the scope name that an import would give it. */
  scopes(service: ServicePlan, operation: string): readonly ScopePlan[] {
    const found = getOrAdd(this.#found, service, () => new Map<string, readonly ScopePlan[]>());
    return getOrAdd(found, operation, () => findScopes(service, operation));
  }

  /** All scopes with an operation that the pattern matches. */
  overlapping(service: ServicePlan, pattern: string): readonly ScopePlan[] {
    return [...service.scopes.values()].filter(({ operations }) =>
      operations.some((declared) => matchScore(declared, pattern) > 0),
    );
  }
}

/** The calls of the service itself, and those of its scopes. */
export function everyCall(service: ServicePlan): readonly CallPlan[] {
  return [...service.calls, ...[...service.scopes.values()].flatMap((scope) => scope.calls)];
}

function findScopes(service: ServicePlan, operation: string): readonly ScopePlan[] {
  let best: ScopePlan[] = [];
  let most = 0;
  for (const scope of service.scopes.values()) {
    const score = Math.max(0, ...scope.operations.map((declared) => matchScore(declared, operation)));
    if (score > most) [best, most] = [[], score];
    if (score > 0 && score === most) best.push(scope);
  }
  if (best.length > 0) return best;
  const candidates = scopeCandidates(operation);
  return [...service.scopes.values()].filter(
    (scope) => scope.operations.length === 0 && (candidates.includes(scope.name) || scope.name === operation),
  );
}
