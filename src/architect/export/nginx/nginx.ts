/**
 * Configurations of nginx: one for each service, with servers before and behind it, to include in `http`. nginx cannot
 * verify a token itself: it asks a sidecar about each request (`auth_request`).
 */
import type { Plan } from '../../../graph/index.ts';
import { requireCallees, wantedServices } from '../chosen-services.ts';
import { DEFAULT_DEPLOYMENT } from '../envoy/options.ts';
import { noteComments, Notes, notesOn, oneLine, type ExportNote } from '../notes.ts';
import { SIDECAR_IS_NEEDED, SIDECAR_REPORTS, reportNotes } from '../report/notes.ts';
import { graphModel, type ServiceModel } from '../service-model.ts';
import { DEFAULT_SIDECAR } from '../sidecar/sidecar.ts';
import { inboundServer } from './inbound.ts';
import type { NginxDeployment } from './options.ts';
import { calleesByHostName, outboundServers } from './outbound.ts';

export type NginxOptions = Partial<Omit<NginxDeployment, 'tls' | 'sidecar'>> & {
  readonly sidecar?: NginxDeployment['sidecar'] | undefined;
  readonly tls?: Partial<NginxDeployment['tls']>;
  /** Names of the services to write. Default: all. */
  readonly only?: readonly string[] | undefined;
};

export interface NginxExport {
  /** Text by service, in the order of declaration. */
  readonly services: ReadonlyMap<string, string>;
  readonly notes: readonly ExportNote[];
}

/** The header in which the sidecar gets the certificate of the peer. */
export { CERTIFICATE_HEADER } from './inbound.ts';

/**
 * The same plan and options give the same text.
 *
 * @throws WaybillError `usage` for a service, or the name of an address, that the graph does not have; and for a name of
 *   the graph that nginx cannot read.
 */
export function nginxConfig(plan: Plan, { only, ...given }: NginxOptions = {}): NginxExport {
  const deployment: NginxDeployment = {
    ...DEFAULT_DEPLOYMENT,
    ...given,
    sidecar: given.sidecar ?? DEFAULT_SIDECAR.check,
    tls: { ...DEFAULT_DEPLOYMENT.tls, ...given.tls },
  };
  const graph = graphModel(plan);
  const services = wantedServices(graph, only);
  requireCallees(graph, deployment.addresses.keys());
  const notes = new Notes(deployment.mode === 'report' ? REPORT_NOTES : []);
  for (const service of services) noteCallees(service, graph.services, deployment, notes);
  const texts = services.map((service): [string, string] => {
    const context = { deployment, largestToken: plan.issuer.limits.nested };
    const servers = [inboundServer(service, context), ...outboundServers(service, graph.services, context)];
    return [service.name, `${headOf(plan, service, notes.list)}\n${servers.join('\n\n')}\n`];
  });
  return { services: new Map(texts), notes: notes.list };
}

const REPORT_NOTES = reportNotes(
  SIDECAR_REPORTS,
  'Calls to hosts that are no callees are answered 403 in report mode, too, because nginx has no address for them. Where it speaks TLS, a request in plain HTTP, or with a certificate of another authority, is answered 400.',
  SIDECAR_IS_NEEDED,
);

function headOf({ name, digest }: Plan, service: ServiceModel, notes: readonly ExportNote[]): string {
  const from = oneLine(`${service.name}, from the graph ${name}`);
  return `# ${from}, digest ${digest}. Written by waybill export: change the graph, not this file.\n${noteComments(notesOn(notes, service.name))}`;
}

function noteCallees(
  { name, outbound }: ServiceModel,
  services: ReadonlyMap<string, ServiceModel>,
  deployment: NginxDeployment,
  notes: Notes,
): void {
  const reached = new Set(
    [...calleesByHostName(outbound, deployment).values()].flat().map(({ callee }) => callee.name),
  );
  for (const callee of outbound) {
    if (callee.mode === 'none' && !deployment.addresses.has(callee.name))
      notes.about(name, {
        'unrouted-callee': `Calls to ${callee.name} carry no token. Let the service call it directly, or give --address ${callee.name}=HOST:PORT.`,
      });
    else if (!reached.has(callee.name))
      notes.add(
        callee.authority === undefined && deployment.addresses.has(callee.name)
          ? 'shared-host'
          : 'no-address',
        name,
        `No host leads to ${callee.name} alone, so calls to it are answered 403. Give it an audience with a host, or --address ${callee.name}=HOST:PORT with a host of its own.`,
      );
    else if (services.get(callee.name)?.caller === 'mtls')
      notes.about(name, {
        'identity-unsupported': `nginx compares the certificate of ${callee.name} with the host name of its audience, not with its identity. The certificate must have that name.`,
      });
  }
}
