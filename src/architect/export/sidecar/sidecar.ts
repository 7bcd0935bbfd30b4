/**
 * Configurations of `waybill sidecar`: one for each service, from the graph. The keys are those of
 * `schemas/sidecar.schema.json`.
 */
import { isIP } from 'node:net';
import type { AuthPlan, Plan, ServicePlan } from '../../../graph/index.ts';
import { parseSpiffeId } from '../../../identity/index.ts';
import { wantedServices } from '../chosen-services.ts';
import { destinationsByHost, type Destination } from '../envoy/callee-hosts.ts';
import { DEFAULT_DEPLOYMENT, type SidecarAddress, type SocketAddress } from '../envoy/options.ts';
import { Notes, notesOn, type ExportNote } from '../notes.ts';
import { parseOperation } from '../operations/index.ts';
import type { ExportMode } from '../report/mode.ts';
import { SIDECAR_REPORTS, reportNotes } from '../report/notes.ts';
import { graphModel, type ServiceModel } from '../service-model.ts';

export interface SidecarDeployment {
  /** Where the sidecar answers checks of the proxy beside it. Default: 127.0.0.1:9191. */
  readonly check: SidecarAddress;
  /** The header in which the proxy passes on the certificate of its peer. Default: x-forwarded-client-cert. */
  readonly certificateHeader: string;
  /** Where callees are, by name: the service may call them by that address, too. */
  readonly addresses: ReadonlyMap<string, SocketAddress>;
  /** Identities of the gateways that present roots of clients to services with `caller: mtls`. Default: none. */
  readonly gateways: readonly string[];
  /** Whether the sidecar refuses a request, or only reports that it would. Default: enforce. */
  readonly mode: ExportMode;
}

export type SidecarExportOptions = Partial<SidecarDeployment> & {
  /** Names of the services to write. Default: all. */
  readonly only?: readonly string[] | undefined;
};

export interface SidecarExport {
  /** Configuration by service, in the order of declaration. */
  readonly services: ReadonlyMap<string, SidecarFile>;
  readonly notes: readonly ExportNote[];
}

/** In the form of `schemas/sidecar.schema.json`. */
export type SidecarFile = Readonly<Record<string, unknown>>;

export const DEFAULT_SIDECAR: SidecarDeployment = {
  check: { host: '127.0.0.1', port: 9191 },
  certificateHeader: 'x-forwarded-client-cert',
  addresses: DEFAULT_DEPLOYMENT.addresses,
  gateways: [],
  mode: 'enforce',
};

/** For all that a request has beside its token. */
const OTHER_HEADERS = 32 * 1024;
/** Bounds of the schema. */
const [MOST_BYTES, LEAST_HEADER_BYTES] = [16 * 1024 * 1024, 8192];

/**
 * The same plan and options give the same configurations.
 *
 * @throws WaybillError `usage` for a service that the graph does not have.
 */
export function sidecarConfigs(plan: Plan, { only, ...given }: SidecarExportOptions = {}): SidecarExport {
  const deployment = { ...DEFAULT_SIDECAR, ...given };
  const graph = graphModel(plan);
  const services = wantedServices(graph, only);
  const notes = new Notes(
    deployment.mode === 'report' ? [...reportNotes(SIDECAR_REPORTS), ...graph.notes] : graph.notes,
  );
  const files = services.map((service) => {
    const own = plan.services.get(service.name)!;
    return [service.name, configOf(plan, service, own, deployment, notes)] as const;
  });
  return { services: new Map(files), notes: notesOn(notes.list, ...services.map(({ name }) => name)) };
}

function configOf(
  { issuer, services }: Plan,
  service: ServiceModel,
  own: ServicePlan,
  deployment: SidecarDeployment,
  notes: Notes,
): SidecarFile {
  const { check, addresses, mode } = deployment;
  const withToken = service.outbound.filter((callee) => callee.mode !== 'none');
  const hosts = [...destinationsByHost(withToken, addresses)];
  const byHost = (
    key: string,
    read: (destinations: readonly Destination[]) => string | readonly string[] | undefined,
  ) => {
    const table = hosts.map(([host, destinations]) => [host, read(destinations)] as const);
    const known = table.filter(([, value]) => value !== undefined);
    return known.length > 0 ? { [key]: Object.fromEntries(known) } : {};
  };
  const largest = Math.min(issuer.limits.nested, MOST_BYTES);
  const headerBytes = Math.max(LEAST_HEADER_BYTES, Math.min(MOST_BYTES, largest + OTHER_HEADERS));
  noteRevocation(own, issuer.lifetime, service.outbound, notes);
  return {
    issuer: issuer.url,
    audience: service.audiences.length > 1 ? service.audiences : service.audience,
    caller: service.caller,
    ...(mode === 'report' ? { mode } : {}),
    ...(service.caller === 'mtls' ? presenters(service, deployment, notes) : {}),
    ...(own.auth ? { credentials: credentialsOf(own.name, own.auth), revocation: 'introspect' } : {}),
    ...(service.tokens.sealed === 'none' ? {} : { decryption_file: '/etc/waybill/decryption.jwks' }),
    ...(service.tokens.sealed === 'all' ? { seal: 'require' } : {}),
    operations: operationsOf(own),
    ...byHost('callees', calleeAt),
    ...byHost('callee_identities', (destinations) => identityAt(destinations, services)),
    budget: { inbound: largest, unpacked: largest, outbound: largest },
    [check.over === 'grpc' ? 'grpc' : 'check']: `${check.host}:${check.port}`,
    max_header_bytes: headerBytes,
  };
}

/** Whose word counts for the certificate of a peer, and who presents roots. */
function presenters(
  { name, tokens }: ServiceModel,
  { check, certificateHeader, gateways }: SidecarDeployment,
  notes: Notes,
): SidecarFile {
  const from = isLoopback(check.host) ? ['127.0.0.1', '::1'] : [];
  const hasGateways = gateways.length > 0;
  notes.about(name, {
    'caller-unchecked':
      from.length === 0 &&
      'The proxy does not reach the sidecar over loopback, so the sidecar does not believe what it says of certificates, and refuses all requests. Write the address of the proxy into `client_cert.from`.',
    'no-gateway':
      tokens.roots &&
      !hasGateways &&
      'Roots of clients that are bound to no key are refused, because such a root names no caller to compare with the certificate. Name the identity of the gateway that presents them with --gateway.',
  });
  return {
    ...(from.length > 0 ? { client_cert: { header: certificateHeader, from } } : {}),
    ...(tokens.roots && hasGateways ? { gateways } : {}),
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'));
}

function noteRevocation(
  { name, auth }: ServicePlan,
  lifetime: number,
  outbound: ServiceModel['outbound'],
  notes: Notes,
): void {
  if (auth !== undefined) return;
  notes.about(name, {
    revocation: `The service has no \`auth\`, so its sidecar cannot ask the issuer, and accepts a revoked token until it expires, after ${lifetime} seconds at most. Give the service an \`auth\` where that is too long.`,
  });
  for (const callee of outbound)
    if (callee.mode === 'exchange')
      notes.add('on-demand', name, `Without an \`auth\` the token of ${callee.name} cannot be fetched.`);
}

/** Secrets and keys stay where the service has them: the file names them. */
function credentialsOf(name: string, auth: AuthPlan): SidecarFile {
  const client = { client_id: name, method: auth.method };
  switch (auth.method) {
    case 'client_secret_basic':
    case 'client_secret_post':
      return {
        ...client,
        ...('env' in auth.secret ? { secret_env: auth.secret.env } : { secret_file: auth.secret.file }),
      };
    case 'private_key_jwt':
      return { ...client, key_file: '/etc/waybill/client-key.jwk' };
    case 'spiffe_jwt':
      return { ...client, svid_file: '/etc/waybill/svid.jwt' };
    default:
      return {
        ...client,
        cert_file: DEFAULT_DEPLOYMENT.tls.certificate,
        key_file: DEFAULT_DEPLOYMENT.tls.key,
        ca_file: DEFAULT_DEPLOYMENT.tls.authorities,
      };
  }
}

/**
 * What can be understood; the notes of the graph list the rest. A scope without an operation is left out, and an empty
 * table allows nothing.
 */
function operationsOf({ scopes }: ServicePlan): SidecarFile {
  const table = Array.from(scopes.values(), ({ name, operations }): [string, readonly string[]] => [
    name,
    operations.filter((text) => parseOperation(text).refused === undefined),
  ]).filter(([, operations]) => operations.length > 0);
  return Object.fromEntries(table);
}

/** Of a host that leads to one callee, whatever the path. Of others the sidecar knows the audience, from the token. */
function calleeAt([only, ...others]: readonly Destination[]): string | undefined {
  if (only === undefined || others.length > 0 || only.prefix !== '') return undefined;
  const { name, audience, mode } = only.callee;
  // A token that is passed on has no callee's name in it.
  return mode === 'forward' ? (audience ?? name) : name;
}

/** The SPIFFE IDs behind a host that leads to one service: one as a text. Others keep their host names. */
function identityAt(
  destinations: readonly Destination[],
  services: Plan['services'],
): string | readonly string[] | undefined {
  const [only, ...others] = new Set(destinations.map(({ callee }) => services.get(callee.name)));
  if (!only || others.length > 0 || !only.identities.every((identity) => parseSpiffeId(identity)))
    return undefined;
  return only.identities.length > 1 ? only.identities : only.identity;
}
