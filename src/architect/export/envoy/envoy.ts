/**
 * Configurations of Envoy: one for each service, before and behind it. Envoy verifies the token of each request, allows
 * what the graph allows, and sends each call on with the callee's token; or it asks a sidecar, which does all that. The
 * service passes its `authorization` header on and need not know of Waybill.
 */
import type { Plan } from '../../../graph/index.ts';
import { requireCallees, wantedServices } from '../chosen-services.ts';
import { notesOn, type ExportNote } from '../notes.ts';
import { graphModel, type ServiceModel } from '../service-model.ts';
import { addressOfUrl } from './callee-hosts.ts';
import { cluster } from './clusters.ts';
import { headersKb } from './headers.ts';
import { inboundOf } from './inbound.ts';
import { ISSUER_CLUSTER } from './jwt-filter.ts';
import { envoyNotes } from './limits.ts';
import { DEFAULT_DEPLOYMENT, type Deployment } from './options.ts';
import { isRouted, outboundOf } from './outbound.ts';
import { clientTls } from './tls.ts';
import { sidecarCluster } from './sidecar-checks.ts';
import type { Json } from './typed.ts';

export interface EnvoyParts {
  readonly listeners: readonly Json[];
  readonly clusters: readonly Json[];
}

export interface EnvoyBootstrap {
  readonly layered_runtime: Json;
  readonly static_resources: EnvoyParts;
}

export interface EnvoyExport {
  /** By service, in the order of declaration. */
  readonly services: ReadonlyMap<string, EnvoyBootstrap>;
  readonly notes: readonly ExportNote[];
}

export type EnvoyOptions = Partial<Omit<Deployment, 'tls'>> & {
  /** Each file has a default of its own. */
  readonly tls?: Partial<Deployment['tls']>;
  /** Names of the services to write. Default: all. */
  readonly only?: readonly string[] | undefined;
};

/**
 * The same plan and options give the same configurations.
 *
 * @throws WaybillError `usage` for a service, or the name of an address, that the graph does not have.
 */
export function envoyConfig(plan: Plan, { only, ...given }: EnvoyOptions = {}): EnvoyExport {
  const deployment = { ...DEFAULT_DEPLOYMENT, ...given, tls: { ...DEFAULT_DEPLOYMENT.tls, ...given.tls } };
  const graph = graphModel(plan);
  const services = wantedServices(graph, only);
  requireCallees(graph, deployment.addresses.keys());
  const own = envoyNotes(plan, services, deployment);
  // Whoever opens the file reads first that it refuses nothing.
  const notes = [...own.filter(isReportMode), ...graph.notes, ...own.filter((note) => !isReportMode(note))];
  return {
    services: new Map(
      services.map((service) => [service.name, bootstrap(plan, service, graph.services, deployment)]),
    ),
    notes: notesOn(notes, ...services.map(({ name }) => name)),
  };
}

function isReportMode({ code }: ExportNote): boolean {
  return code === 'report-mode';
}

function bootstrap(
  plan: Plan,
  service: ServiceModel,
  services: ReadonlyMap<string, ServiceModel>,
  deployment: Deployment,
): EnvoyBootstrap {
  const { url, limits, signing } = plan.issuer;
  const tokens = { issuer: url, audiences: service.audiences, signing, largestToken: limits.nested };
  const context = { tokens, headersKb: headersKb(limits.nested), deployment };
  const inbound = inboundOf(service, context);
  const outbound = callsAnyone(service, deployment) ? outboundOf(service, services, context) : undefined;
  return {
    layered_runtime: LARGER_EXPRESSIONS,
    static_resources: {
      listeners: [inbound.listener, ...(outbound ? [outbound.listener] : [])],
      clusters: [
        deployment.sidecar
          ? sidecarCluster(deployment.sidecar, context.headersKb)
          : issuerCluster(url, deployment),
        inbound.cluster,
        ...(outbound?.clusters ?? []),
      ],
    },
  };
}

/** By itself Envoy refuses to start with the expressions that a path of some twenty letters needs in all its spellings. */
const LARGER_EXPRESSIONS = {
  layers: [{ name: 'waybill', static_layer: { 're2.max_program_size.error_level': 32_768 } }],
};

/** Calls without a token need no Envoy, unless its configuration says where they go. */
function callsAnyone({ outbound }: ServiceModel, deployment: Deployment): boolean {
  return outbound.some((callee) => callee.mode !== 'none' || isRouted(callee, deployment));
}

function issuerCluster(url: string, { issuerAddress, systemAuthorities }: Deployment): Json {
  const own = addressOfUrl(url)!; // checked when the graph was compiled
  const tls = /^https:/i.test(url)
    ? clientTls({ authorities: systemAuthorities, names: [own.host], host: own.host, as: undefined })
    : undefined;
  return cluster(ISSUER_CLUSTER, issuerAddress ?? own, tls);
}
