/** What no client can reach, and what nothing uses: authority that may be taken away (rule 10). */
import type {
  CallDeclaration,
  GraphDeclaration,
  ScopeDeclaration,
  ServiceDeclaration,
} from '../declare/declaration.ts';
import type { Findings } from '../finding.ts';

/** Every call counts, whatever its mode. */
export function checkReach(graph: GraphDeclaration, findings: Findings): void {
  const services = new Set<string>();
  const queue: (readonly [ServiceDeclaration, ScopeDeclaration])[] = [];
  const seen = new Set<ScopeDeclaration>();
  const visit = (call: CallDeclaration) => {
    services.add(call.callee.value);
    const callee = graph.services.get(call.callee.value);
    for (const name of call.scopes) {
      const scope = callee?.scopes.get(name.value);
      if (!callee || !scope || seen.has(scope)) continue;
      seen.add(scope);
      queue.push([callee, scope]);
    }
  };
  for (const client of graph.clients.values()) client.calls.forEach(visit);
  for (const [service, scope] of queue) {
    service.calls.forEach(visit);
    scope.calls.forEach(visit);
  }
  let called: Set<ScopeDeclaration> | undefined;
  for (const service of graph.services.values()) {
    if (!services.has(service.name)) {
      findings.add(
        'unreachable-service',
        service,
        `No client reaches ${service.name}, directly or through others.`,
        'Add the call that leads to it, or take it out.',
      );
      continue;
    }
    for (const scope of service.scopes.values()) {
      if (seen.has(scope)) continue;
      called ??= calledScopes(graph); // by services that no client reaches
      if (called.has(scope)) continue;
      findings.add(
        'unused-scope',
        scope,
        `No one calls ${service.name}:${scope.name}.`,
        'Name it in the call that needs it, or take it out.',
      );
    }
  }
  checkUnusedDeclarations(graph, findings);
}

function calledScopes(graph: GraphDeclaration): Set<ScopeDeclaration> {
  const called = new Set<ScopeDeclaration>();
  const take = (calls: readonly CallDeclaration[]) => {
    for (const call of calls) {
      const callee = graph.services.get(call.callee.value);
      for (const name of call.scopes) {
        const scope = callee?.scopes.get(name.value);
        if (scope) called.add(scope);
      }
    }
  };
  for (const client of graph.clients.values()) take(client.calls);
  for (const service of graph.services.values()) {
    take(service.calls);
    for (const scope of service.scopes.values()) take(scope.calls);
  }
  return called;
}

function checkUnusedDeclarations(graph: GraphDeclaration, findings: Findings): void {
  const calls = [...graph.clients.values()].flatMap((client) => client.calls);
  const claims = new Set(calls.flatMap(({ when }) => when.map(({ claim }) => claim.value)));
  const zones = new Set([graph.defaultZone?.value]);
  for (const client of graph.clients.values()) zones.add(client.zone?.value);
  for (const service of graph.services.values()) {
    zones.add(service.zone?.value);
    for (const holder of [service, ...service.scopes.values()])
      for (const use of holder.claims) claims.add(use.name);
  }
  for (const claim of graph.claims.values()) {
    if (!claims.has(claim.name))
      findings.add(
        'unused-claim',
        claim,
        `No service and no scope names the claim ${claim.name}.`,
        'Add it to `claims` of the service that needs it, or take it out.',
      );
  }
  for (const [name, zone] of graph.zones) {
    if (!zones.has(name))
      findings.add(
        'unused-zone',
        zone,
        `Nobody is in the zone ${name}.`,
        'Put a service or a client into it, or take it out.',
      );
  }
}
