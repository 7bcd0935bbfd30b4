/** Maps names of a source to parties and scopes of a graph. */
import { getOrAdd } from '../../../get-or-add.ts';
import type { CallPlan, ClientPlan, Plan, ScopePlan, ServicePlan } from '../../../graph/index.ts';
import { ImportedNames } from '../draft/imported-names.ts';
import { scopeCandidates, withSuffix } from '../draft/names.ts';
import type { Observation } from '../observation.ts';
import { matchScore } from './operation-pattern.ts';

export type GraphNames = ReturnType<typeof namesInGraph>;

export function namesInGraph(plan: Plan, observation: Observation) {
  const names = new Map<string, string>();
  const found = new Map<ServicePlan, Map<string, readonly ScopePlan[]>>();
  /** The names that an import of the same files gives. */
  const imported = new ImportedNames(observation);
  const services = [...plan.services.values()];
  const calls = [
    ...services.flatMap(everyCall),
    ...[...plan.clients.values()].flatMap((client) => client.calls),
  ];
  const callees: ReadonlySet<string> = new Set(calls.map(({ callee }) => callee));
  const byNamespace: ReadonlyMap<string, string> = new Map(
    services.flatMap(({ name, namespace }) =>
      namespace === undefined ? [] : [[`${name}.${namespace}`, name]],
    ),
  );

  /** The graph's name for it, or the name in the source if the graph has no such party. */
  function nameOf(seen: string): string {
    return getOrAdd(names, seen, () => find(seen));
  }

  /** The name for a party that the graph does not have. */
  function newName(seen: string): string {
    const name = imported.party(seen);
    return plan.clients.has(name) ? withSuffix(name, '-service') : name;
  }

  function find(seen: string): string {
    const { services, clients } = plan;
    const { name, namespace } = observation.sourceNames.get(seen) ?? { name: seen, namespace: '' };
    const placed = namespace === '' ? seen : `${name}.${namespace}`;
    const own = imported.party(seen);
    const candidates = [placed, byNamespace.get(placed) ?? seen, seen, own].filter(
      (one) => !imported.isOfAnother(one, seen),
    );
    const service = candidates.find((one) => services.has(one));
    if (service !== undefined) return service;
    // What receives requests is a service, even if the graph has a client of its name.
    if (isCalled(seen) && clients.has(own)) return newName(seen);
    const other = candidates.find((one) => clients.has(one) || callees.has(one));
    return other ?? serviceAt(seen) ?? seen;
  }

  function isCalled(seen: string): boolean {
    const operations = observation.services.get(seen)?.operations.values() ?? [];
    return [...operations].some(({ runs }) => runs > 0);
  }

  /** The service behind an address that a client names, such as `api.billing.svc.cluster.local:8080`. */
  function serviceAt(address: string): string | undefined {
    const name = address.replace(/:\d+$/, '');
    const [, host = name, namespace] = /^([^.:]+)\.([^.:]+)\.svc(?:\.|$)/.exec(name) ?? [];
    const placed = `${host}.${namespace}`;
    return [placed, byNamespace.get(placed) ?? placed, name].find((one) => plan.services.has(one));
  }

  return {
    plan,
    imported,
    nameOf,
    /** Whether the graph has a party, or a callee without a token, of this name. */
    isDeclared(name: string): boolean {
      return plan.services.has(name) || plan.clients.has(name) || callees.has(name);
    },
    newName,
    service(seen: string): ServicePlan | undefined {
      return plan.services.get(nameOf(seen));
    },
    client(seen: string): ClientPlan | undefined {
      const { services, clients } = plan;
      const name = nameOf(seen);
      return clients.get(name) ?? (services.has(name) ? undefined : clients.get(imported.party(seen)));
    },
    /** The client for what a service does without a request: it has the service's name, or that name with `-jobs`. */
    jobClient(seen: string): ClientPlan | undefined {
      const { clients } = plan;
      const names = [nameOf(seen), withSuffix(nameOf(seen), '-jobs'), imported.job(seen)];
      const name = names.find((one) => clients.has(one) && !imported.isOfAnother(one, seen));
      return name === undefined ? undefined : clients.get(name);
    },
    /** The scopes that an operation belongs to: by `operations`, else by the scope name that an import would give it. */
    scopes(service: ServicePlan, operation: string): readonly ScopePlan[] {
      const known = getOrAdd(found, service, () => new Map<string, readonly ScopePlan[]>());
      return getOrAdd(known, operation, () => findScopes(service, operation));
    },
  };
}

/**
 * All scopes with an operation that the pattern matches. If a scope has just this pattern, a wider one of another scope
 * (`/*` beside `GET /*`) never counts for it, because the narrower decides.
 */
export function overlapping(service: ServicePlan, pattern: string): readonly ScopePlan[] {
  const scopes = [...service.scopes.values()];
  const isSame = (scope: ScopePlan): boolean => scope.operations.includes(pattern);
  const hasSame = scopes.some(isSame);
  const sample = pattern.replaceAll('*', UNLIKELY);
  const isWider = (declared: string): boolean => hasSame && matchScore(declared, sample) > 0;
  return scopes.filter(
    (scope) =>
      isSame(scope) ||
      scope.operations.some((declared) => matchScore(declared, pattern) > 0 && !isWider(declared)),
  );
}

/** Only a wildcard matches it. */
const UNLIKELY = '\u0001';

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
