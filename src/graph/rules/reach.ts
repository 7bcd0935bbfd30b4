/** What no client can reach, and what nothing uses: authority that may be taken away (rule 10). */
import type {
  CallDeclaration,
  GraphDeclaration,
  ScopeDeclaration,
  ServiceDeclaration,
} from '../declare/declaration.ts';
import { callHolders } from '../declare/call-holders.ts';
import type { Findings } from '../finding.ts';

/** Every call counts, whatever its mode. */
export function checkReach(graph: GraphDeclaration, findings: Findings): void {
  const services = new Set<string>();
  const reached = new Map<ScopeDeclaration, ServiceDeclaration>();
  const visit = (call: CallDeclaration): void => {
    services.add(call.callee.value);
    const callee = graph.services.get(call.callee.value);
    if (callee) for (const scope of scopesOf(call, graph)) reached.set(scope, callee);
  };
  for (const client of graph.clients.values()) client.calls.forEach(visit);
  // It grows meanwhile.
  for (const [scope, service] of reached) for (const { calls } of [service, scope]) calls.forEach(visit);
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
      if (reached.has(scope)) continue;
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
  const calls = callHolders(graph).flatMap((holder) => holder.calls);
  return new Set(calls.flatMap((call) => scopesOf(call, graph)));
}

function scopesOf({ callee, scopes }: CallDeclaration, { services }: GraphDeclaration): ScopeDeclaration[] {
  const service = services.get(callee.value);
  return scopes.flatMap((name) => service?.scopes.get(name.value) ?? []);
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
