/**
 * The graph in Istio's resources: each service's proxy verifies the token of a request, allows what caller and scope may
 * do, and puts the callee's token into the service's own calls.
 */
import type { Plan } from '../../../graph/index.ts';
import { yamlOf } from '../config-yaml.ts';
import { STRIP } from '../envoy/listener.ts';
import { extension, type Json } from '../envoy/typed.ts';
import { noteComments, Notes, oneLine, type ExportNote } from '../notes.ts';
import { callLog, serviceLog } from '../report/access-log.ts';
import type { ExportMode } from '../report/mode.ts';
import { ISTIO_ALLOW, REFUSALS, unlessAllowed } from '../report/shadow-rules.ts';
import { graphModel, sealedNote, type PossibleTokens, type ServiceModel } from '../service-model.ts';
import { authorizationPolicy, requestAuthentication } from './inbound.ts';
import { workloadOf, type IstioContext, type IstioOptions, type Workload } from './options.ts';
import { insertBeforeRouter, noteOnDemand, sidecar, swapFilter } from './outbound.ts';
import { spellingsFilter } from './spellings.ts';
import { dryRun, envoyFilter, insertFirst, stripHeaders, type Resource } from './resource.ts';

export interface IstioExport {
  /** In the order of declaration, those of whole namespaces at the end. */
  readonly resources: readonly Resource[];
  readonly notes: readonly ExportNote[];
  /** All of it as YAML; notes are comments before the resources of their service. */
  readonly text: string;
}

/** @throws WaybillError `usage` if a service's name is not a legal name in Kubernetes. */
export function istioResources(plan: Plan, options: IstioOptions = {}): IstioExport {
  const model = graphModel(plan);
  const { mode = 'enforce' } = options;
  const reportMode = mode === 'report' ? REPORT_MODE : [];
  const notes = new Notes([...reportMode, ...model.notes]);
  const workloads = new Map(
    Array.from(plan.services.values(), (service): [string, Workload] => [
      service.name,
      workloadOf(service, options),
    ]),
  );
  const { url: issuer, limits } = plan.issuer;
  const { jwksUri = `${issuer}/jwks`, gateways = [] } = options;
  const context = { issuer, jwksUri, tokenBytes: limits.nested, gateways, workloads, notes, mode };
  notes.about(undefined, {
    'signing-algorithm':
      plan.issuer.signing === 'Ed25519' &&
      'The proxies of Istio do not know the algorithm Ed25519 and refuse every token. Sign with ES256.',
  });
  notes.about(undefined, {
    'never-issued':
      'The policies of Istio see neither the type of a token (`typ`), nor `act` and `cnf` unless a text is in `act.sub`, `cnf.jkt` or `cnf.x5t#S256`. The issuer signs no other JWT with a scope, and neither claim without.',
    'several-uris':
      [...model.services.values()].some(({ caller }) => caller === 'mtls') &&
      'Of several URIs in a certificate, the proxies of Istio accept any, and the middleware refuses them. istiod signs certificates with one.',
  });
  const ofServices = Array.from(model.services.values(), (service): [string, readonly Resource[]] => {
    const workload = workloads.get(service.name);
    if (!workload) throw new TypeError(`${service.name} has no workload`);
    noteTokens(service, notes);
    noteOnDemand(service, notes);
    return [service.name, resourcesOf(service, workload, context)];
  });
  const namespaces = [...new Set([...workloads.values()].map(({ namespace }) => namespace))];
  const ofNamespaces = namespaces.flatMap((namespace) => namespaceResources(namespace, mode));
  return {
    resources: [...ofServices.flatMap(([, resources]) => resources), ...ofNamespaces],
    notes: notes.list,
    text: textOf(plan, ofServices, ofNamespaces, notes.list),
  };
}

function resourcesOf(service: ServiceModel, workload: Workload, context: IstioContext): readonly Resource[] {
  return [
    requestAuthentication(service, workload, context),
    authorizationPolicy(service, workload, context),
    spellingsFilter(service, workload, context.mode),
    // A service that calls nobody has a token, too, and may pass it on.
    swapFilter(service, workload, context),
    // In report mode it would close hosts that the graph does not declare.
    ...(service.outbound.length === 0 || context.mode === 'report'
      ? []
      : [sidecar(service, workload, context)]),
    ...(context.mode === 'report' ? [reportFilter(service, workload)] : []),
  ];
}

/** What holds for a whole namespace: mutual TLS, no request that no policy allows, no header that only proxies set. */
function namespaceResources(namespace: string, mode: ExportMode): readonly Resource[] {
  return [
    {
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name: 'default', namespace },
      // Principals mean nothing on connections without a certificate.
      spec: { mtls: { mode: mode === 'enforce' ? 'STRICT' : 'PERMISSIVE' } },
    },
    envoyFilter('waybill-strip-headers', { namespace }, [insertFirst(stripHeaders)]),
    {
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata: { name: 'waybill-deny-by-default', namespace, ...dryRun(mode) },
      spec: {},
    },
  ];
}

/** In report mode: what the proxy of a service writes of requests and calls that would have been refused. */
function reportFilter(service: ServiceModel, workload: Workload): Resource {
  return envoyFilter(`${workload.name}-waybill-report`, workload, [
    // The service gets headers of tokens that enforcement would accept, and of no others.
    insertBeforeRouter(unlessAllowed('waybill.accepted_alone', STRIP, RESULTS), 'SIDECAR_INBOUND'),
    logTo('SIDECAR_INBOUND', serviceLog(service, RESULTS)),
    logTo('SIDECAR_OUTBOUND', callLog(service)),
  ]);
}

/** Of the policies, and of the filter that refuses spellings. */
const RESULTS = [REFUSALS, ISTIO_ALLOW];
const MANAGER = 'envoy.filters.network.http_connection_manager';

/** A merged list is appended to the one that is there. */
function logTo(context: string, log: Json): object {
  return {
    applyTo: 'NETWORK_FILTER',
    match: { context, listener: { filterChain: { filter: { name: MANAGER } } } },
    patch: { operation: 'MERGE', value: extension(MANAGER, 'connectionManager', { access_log: [log] }) },
  };
}

const REPORT_MODE = [
  'Report mode: nothing is refused, except as the next two notes say. What other notes call denied or 403 passes, and the proxy of the service writes a line of JSON for it to standard output. A call without the callee’s token goes out without any.',
  'A request with a wrong token is answered 401 in report mode, too: RequestAuthentication lets requests without a token in, and refuses a token that is expired, of another issuer, or no JWT.',
  'No Sidecar closes other hosts. A call to one, over plain HTTP, keeps `Basic` credentials and JWTs of other issuers in `authorization`; anything else there is removed, because it may be the service’s own token.',
].map((message): ExportNote => ({ code: 'report-mode', service: undefined, message }));

const PACKED: Readonly<Record<PossibleTokens['packed'], string | undefined>> = {
  always: 'Its tokens are packed, which Istio cannot read, so its requests are denied.',
  'on-request': 'A client may ask for a packed token, which Istio cannot read and denies.',
  never: undefined,
};

function noteTokens({ name, tokens }: ServiceModel, notes: Notes): void {
  const packed = PACKED[tokens.packed];
  notes.about(name, {
    'packed-encoding': packed && `${packed} Write \`accepts: jwt\`, or use \`waybill sidecar\`.`,
    'sealed-tokens': sealedNote('Istio', tokens),
    'on-demand':
      tokens.overflow &&
      'In a tree that does not fit its headers, a callee’s token is left out and must be fetched, which Istio cannot: the call is answered 403. Use `waybill sidecar`, or `overflow: reject`.',
    'bound-tokens':
      tokens.roots &&
      'Istio cannot check the key that a token is bound to (`cnf`), so bound tokens are denied. Let `gateway` or `waybill sidecar` take them.',
  });
}

function textOf(
  plan: Plan,
  ofServices: readonly (readonly [string, readonly Resource[]])[],
  ofNamespaces: readonly Resource[],
  notes: readonly ExportNote[],
): string {
  const head = [
    `# From the graph ${oneLine(plan.name)}, digest ${plan.digest}. Written by waybill export: change the graph, not this file.`,
    '# Tokens say nothing of revocation: a proxy takes a revoked one until it ends.',
    '# Set meshConfig.pathNormalization.normalization to DECODE_AND_MERGE_SLASHES, so that proxies and services read paths alike.',
    noteComments(notes.filter(({ service }) => service === undefined)),
  ];
  const documents = [
    ...ofServices.map(([service, resources]) => {
      const own = notes.filter((note) => note.service === service);
      return noteComments(own) + resources.map(yamlOf).join('---\n');
    }),
    ofNamespaces.map(yamlOf).join('---\n'),
  ];
  return `${head.join('\n')}${documents.join('---\n')}`;
}
