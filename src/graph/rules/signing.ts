/** A signature algorithm that a verifier of the graph may not know. */
import { callHolders } from '../declare/call-holders.ts';
import type { GraphDeclaration, HopDeclaration, ServiceDeclaration } from '../declare/declaration.ts';
import type { Findings } from '../finding.ts';
import { nameList } from '../name-list.ts';

/** Proxies whose `jwt_authn` refuses the name Ed25519. */
const ENVOYS: readonly string[] = ['envoy', 'istio', 'envoy-gateway'];

/** One finding, at the algorithm: it is the cause, and the services may be hundreds. */
export function checkSigning(graph: GraphDeclaration, findings: Findings): void {
  const { issuer } = graph;
  if (issuer?.signing.value !== 'Ed25519') return;
  const services = [...graph.services.values()];
  const stock = services.filter(({ accepts }) => accepts === 'jwt').map(({ name }) => name);
  const behind = envoyCallees(graph);
  const proxied = services.filter((service) => behind.has(service)).map(({ name }) => name);
  const reasons = [
    ...(stock.length > 0 ? [`read plain JWTs: ${nameList(stock)}`] : []),
    ...(proxied.length > 0 ? [`have Envoy as their server or before it: ${nameList(proxied)}`] : []),
  ];
  if (reasons.length === 0) return;
  findings.add(
    'signing-not-known',
    issuer.signing,
    `Envoy and most JWT libraries refuse \`alg: Ed25519\`. These services ${reasons.join('; these ')}.`,
    'Set `signing: ES256`, or `EdDSA`, the older name of the same signature, if they take it. Accept the finding if only Waybill verifies there.',
  );
}

/** Services that an Envoy may verify for: their own server, their zone's way in, or that of a call. */
function envoyCallees(graph: GraphDeclaration): ReadonlySet<ServiceDeclaration> {
  const found = new Set<ServiceDeclaration>();
  const isEnvoy = ({ profile }: HopDeclaration): boolean => profile !== undefined && ENVOYS.includes(profile);
  for (const service of graph.services.values()) {
    const zone = service.zone && graph.zones.get(service.zone.value);
    if ([...(service.headers ? [service.headers] : []), ...(zone?.via ?? [])].some(isEnvoy))
      found.add(service);
  }
  for (const { calls } of callHolders(graph)) {
    for (const { via, callee } of calls) {
      const service = via.some(isEnvoy) ? graph.services.get(callee.value) : undefined;
      if (service) found.add(service);
    }
  }
  return found;
}
