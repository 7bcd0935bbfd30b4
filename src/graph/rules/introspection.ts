/** Gateways: which services' tokens a party may introspect, and whether opaque tokens have a reader at all. */
import type { ClientDeclaration, GraphDeclaration, ServiceDeclaration } from '../declare/declaration.ts';
import { causeOfParties } from '../causes.ts';
import type { Findings } from '../finding.ts';
import { pointerTo } from '../misread.ts';
import { checkKnown } from './names.ts';

export function checkIntrospection(graph: GraphDeclaration, findings: Findings): void {
  const read = new Set<string>();
  for (const party of [...graph.clients.values(), ...graph.services.values()]) {
    checkGateway(party, graph, findings);
    for (const name of party.introspect) read.add(name.value);
  }
  for (const client of graph.clients.values()) {
    if (client.token === 'opaque') checkReaders(client, graph, read, findings);
  }
}

function checkGateway(
  party: ClientDeclaration | ServiceDeclaration,
  graph: GraphDeclaration,
  findings: Findings,
): void {
  for (const name of party.introspect)
    checkKnown('unknown-service', 'service', name, graph.services, findings);
  const [first] = party.introspect;
  if (first && !party.auth && graph.services.has(party.name)) {
    findings.add(
      'introspect-without-auth',
      first,
      `${party.name} may introspect tokens and has no way to authenticate.`,
      `Give ${party.name} an \`auth\`.`,
      [pointerTo('services', party.name, 'auth')],
      causeOfParties(
        'no auth',
        party.name,
        (names) => `${names} may introspect tokens and have no way to authenticate.`,
        'Give each an `auth`.',
      ),
    );
  }
}

/** @param read the services that a gateway stands before. */
function checkReaders(
  client: ClientDeclaration,
  graph: GraphDeclaration,
  read: ReadonlySet<string>,
  findings: Findings,
): void {
  for (const { callee, mode } of client.calls) {
    const entry = graph.services.get(callee.value);
    if (!entry || mode === 'none' || entry.auth || read.has(entry.name)) continue;
    findings.add(
      'opaque-without-reader',
      callee,
      `${client.name} presents opaque tokens to ${entry.name}, and no one can swap them.`,
      `Give a gateway \`introspect: [${entry.name}]\`, or ${entry.name} an \`auth\`.`,
      [],
      causeOfParties(
        entry.name,
        client.name,
        (names) => `${names} present opaque tokens to ${entry.name}, and no one can swap them.`,
      ),
    );
  }
}
