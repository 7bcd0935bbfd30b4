/** What stock Envoy cannot do with a graph. */
import type { Plan } from '../../../graph/index.ts';
import { Notes, type ExportNote } from '../notes.ts';
import { SIDECAR_IS_NEEDED, SIDECAR_REPORTS, reportNotes } from '../report/notes.ts';
import { sealedNote, type ServiceModel } from '../service-model.ts';
import { destinationsByHost } from './callee-hosts.ts';
import { MOST_HEADERS_KB } from './headers.ts';
import type { Deployment } from './options.ts';
import { isRouted } from './outbound.ts';

const SIDECAR = 'Use `waybill sidecar`';

export function envoyNotes(
  plan: Plan,
  services: readonly ServiceModel[],
  deployment: Deployment,
): readonly ExportNote[] {
  const notes = new Notes();
  if (deployment.mode === 'report')
    for (const { code, service, message } of notesOnReports(deployment)) notes.add(code, service, message);
  notes.about(undefined, {
    'token-too-large':
      plan.issuer.limits.nested > MOST_HEADERS_KB * 1024 &&
      `Envoy accepts at most ${MOST_HEADERS_KB} KiB of headers, and \`issuer.limits.nested\` allows larger tokens.`,
  });
  for (const service of services) noteAddresses(service, deployment, notes);
  if (deployment.sidecar) return notes.list;
  noteIssuer(plan, notes);
  for (const service of services) {
    noteTokens(service, deployment, notes);
    noteOnDemand(service, deployment, notes);
  }
  const packable = services.filter(({ tokens }) => tokens.packed === 'on-request').map(({ name }) => name);
  notes.about(undefined, {
    'packed-encoding':
      packable.length > 0 &&
      `Envoy refuses packed tokens, which a client may ask for. Set \`accepts: jwt\` on ${packable.join(', ')}, or ${SIDECAR.toLowerCase()} there.`,
  });
  return notes.list;
}

function notesOnReports({ sidecar }: Deployment): readonly ExportNote[] {
  return reportNotes(
    sidecar
      ? SIDECAR_REPORTS
      : 'Report mode: nothing is refused before the services. What other notes call refused passes, and Envoy writes a line of JSON for it to standard output. A call without the callee’s token goes out without any.',
    'Calls to hosts that are no callees are answered 403 in report mode, too, because Envoy has no address for them. A certificate of another authority still ends its connection.',
    ...(sidecar ? [SIDECAR_IS_NEEDED] : []),
  );
}

function noteIssuer({ issuer }: Plan, notes: Notes): void {
  notes.about(undefined, {
    'signing-algorithm':
      issuer.signing === 'Ed25519' &&
      'Envoy does not know the algorithm Ed25519 and refuses every token. Set `issuer.signing` to ES256.',
    'never-issued':
      'Envoy takes `act` or `cnf` for absent if it is null or an empty text. The issuer signs no such token.',
    revocation: `Envoy accepts a revoked token until it expires, after ${issuer.lifetime} seconds at most. ${SIDECAR} where that is too long.`,
  });
}

function noteTokens({ name, caller, tokens }: ServiceModel, { gateways }: Deployment, notes: Notes): void {
  notes.about(name, {
    'packed-encoding':
      tokens.packed === 'always' &&
      'Envoy refuses packed tokens, and the graph packs them. Set `accepts: jwt`, or use `waybill sidecar`.',
    'sealed-tokens': sealedNote('Envoy', tokens),
    'bound-tokens':
      tokens.roots &&
      'Envoy cannot check the key of a bound root (`cnf`) and refuses it. Put a gateway before the service that swaps it, or use `waybill sidecar`.',
    'no-gateway':
      tokens.roots &&
      caller === 'mtls' &&
      gateways.length === 0 &&
      'Roots of clients are refused, because a root names no caller to compare with the certificate. Name the identity of the gateway that presents them with --gateway.',
  });
}

function noteOnDemand({ name, outbound, tokens }: ServiceModel, deployment: Deployment, notes: Notes): void {
  for (const callee of outbound.filter(({ mode }) => mode === 'exchange'))
    notes.about(name, {
      'on-demand': `Envoy cannot fetch the token of ${callee.name} on demand${isRouted(callee, deployment) ? '; such calls go out without a token' : ' and answers such calls 403'}. ${SIDECAR}, or embed the call.`,
    });
  notes.about(name, {
    'on-demand':
      tokens.overflow &&
      `Where a tree does not fit (\`overflow: exchange\`), a callee's token may have to be fetched, and Envoy answers that call 403. ${SIDECAR}.`,
  });
}

function noteAddresses(service: ServiceModel, deployment: Deployment, notes: Notes): void {
  const { name, outbound } = service;
  for (const callee of outbound) {
    if (isRouted(callee, deployment) || (callee.mode === 'exchange' && !deployment.sidecar)) continue;
    const address = `--address ${callee.name}=HOST:PORT`;
    notes.about(name, {
      'unrouted-callee':
        callee.mode === 'none' &&
        `Calls to ${callee.name} carry no token. Let the service call it directly, or give ${address}.`,
      'no-address':
        callee.mode !== 'none' &&
        `The audience of ${callee.name} names no host, so calls to it are answered 403. Give ${address}.`,
    });
  }
  for (const lost of withoutHost(service, deployment))
    notes.about(name, {
      'shared-host': `${lost} has the address of another callee, and its audience names no host, so calls to it are answered 403. Give it an address of its own.`,
    });
}

function withoutHost({ outbound }: ServiceModel, deployment: Deployment): string[] {
  const routed = outbound.filter((callee) => isRouted(callee, deployment));
  const reached = new Set(
    [...destinationsByHost(routed, deployment.addresses).values()].flat().map(({ callee }) => callee.name),
  );
  return routed.filter(({ name }) => !reached.has(name)).map(({ name }) => name);
}
