/** Claims and zones that nothing names (rule 10). */
import type { GraphDeclaration } from '../declare/declaration.ts';
import type { Findings } from '../finding.ts';
import { claimsInConditions } from './conditions.ts';

export function checkUnusedDeclarations(graph: GraphDeclaration, findings: Findings): void {
  const claims = new Set(claimsInConditions(graph));
  const zones = new Set([graph.defaultZone?.value]);
  for (const client of graph.clients.values()) zones.add(client.zone?.value);
  for (const service of graph.services.values()) {
    zones.add(service.zone?.value);
    for (const use of service.claims) claims.add(use.name);
    for (const scope of service.scopes.values()) for (const use of scope.claims) claims.add(use.name);
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
