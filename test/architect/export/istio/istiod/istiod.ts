/**
 * What istiod makes of resources for the Envoy beside a workload, by its own rules: names of filters and clusters, where
 * the payload lies, how policies, patches and visible hosts count. Service discovery and certificates are given. The mesh
 * has `pathNormalization: DECODE_AND_MERGE_SLASHES`.
 */
import { authenticationFilters } from './authentication.ts';
import { authorizationFilters } from './authorization.ts';
import { Patches, type Direction } from './patches.ts';
import { ofWorkload, only, type Json, type Resource, type Workload } from './resources.ts';

/** A host that the mesh knows: a Service, or a ServiceEntry. */
export interface KnownHost {
  readonly host: string;
  readonly namespace: string;
  readonly port: number;
  /** Where it listens on loopback. */
  readonly endpoint: number;
  /** Of the workload behind it, without `spiffe://`; undefined: it has no sidecar, and speaks plain HTTP. */
  readonly principal: string | undefined;
}

export interface Proxy extends Workload {
  /** Ports of loopback. */
  readonly inbound: number;
  readonly outbound: number;
  readonly application: number;
  /** PEM files. */
  readonly tls: { readonly certificate: string; readonly key: string; readonly authorities: string };
}

export interface Discovery {
  readonly hosts: readonly KnownHost[];
  /** What istiod fetched. */
  readonly keysAt: (uri: string) => string;
  /** Where requests to unknown hosts go, unless REGISTRY_ONLY holds them back. */
  readonly internet: number;
}

export function sidecarConfig(resources: readonly Resource[], proxy: Proxy, discovery: Discovery) {
  requireStrictTls(resources, proxy);
  const { hosts, closed } = visibleHosts(resources, proxy, discovery.hosts);
  return {
    layered_runtime: RUNTIME,
    static_resources: {
      listeners: [
        listener('inbound', proxy.inbound, {
          transport: downstreamTls(proxy),
          patches: patchesFor('SIDECAR_INBOUND'),
          filters: [
            ...authenticationFilters(resources, proxy, discovery.keysAt),
            ...authorizationFilters(resources, proxy),
          ],
          virtualHosts: [{ name: 'inbound|http|80', domains: ['*'], routes: [routeTo(INBOUND)] }],
        }),
        listener('outbound', proxy.outbound, {
          transport: undefined,
          patches: patchesFor('SIDECAR_OUTBOUND'),
          filters: [],
          virtualHosts: [...hosts.map(virtualHost), closed ? BLOCK_ALL : ALLOW_ANY],
        }),
      ],
      clusters: [
        cluster(INBOUND, proxy.application, undefined),
        cluster(PASSTHROUGH, discovery.internet, undefined),
        ...hosts.map((host) => cluster(clusterOf(host), host.endpoint, upstreamTls(host, proxy))),
      ],
    },
  };

  function patchesFor(direction: Direction): Patches {
    return new Patches(resources, proxy, direction);
  }
}

/** The translation knows no other mode. */
function requireStrictTls(resources: readonly Resource[], workload: Workload): void {
  const modes = ofWorkload(resources, 'PeerAuthentication', workload).map(({ spec }) => spec['mtls']);
  if (JSON.stringify(modes) !== '[{"mode":"STRICT"}]') throw new Error('no PeerAuthentication with STRICT');
}

function visibleHosts(
  resources: readonly Resource[],
  proxy: Proxy,
  known: readonly KnownHost[],
): { hosts: readonly KnownHost[]; closed: boolean } {
  const [sidecar] = ofWorkload(resources, 'Sidecar', proxy);
  if (!sidecar) return { hosts: known, closed: false };
  const { egress, outboundTrafficPolicy } = only<{
    workloadSelector: object;
    egress: { hosts: string[] }[];
    outboundTrafficPolicy: { mode: string };
  }>(sidecar.spec, ['workloadSelector', 'egress', 'outboundTrafficPolicy']);
  const shown = egress!.flatMap(({ hosts }) => hosts.map((entry) => entry.split('/')));
  return {
    hosts: known.filter(({ host, namespace }) =>
      shown.some(([in_, name]) => (in_ === '*' || in_ === namespace) && name === host),
    ),
    closed: outboundTrafficPolicy?.mode === 'REGISTRY_ONLY',
  };
}

interface Listener {
  readonly transport: Json | undefined;
  readonly patches: Patches;
  readonly filters: readonly Json[];
  readonly virtualHosts: readonly Json[];
}

function listener(name: string, port: number, { transport, patches, filters, virtualHosts }: Listener): Json {
  const manager = {
    '@type':
      'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: name,
    normalize_path: true,
    merge_slashes: true,
    path_with_escaped_slashes_action: 'UNESCAPE_AND_FORWARD',
    http_filters: patches.httpFilters([...filters, ROUTER]),
    route_config: { name, virtual_hosts: patches.virtualHosts(virtualHosts) },
  };
  return {
    name,
    address: address(port),
    filter_chains: [
      {
        ...(transport ? { transport_socket: transport } : {}),
        filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }],
      },
    ],
  };
}

/** Istio's bootstrap allows larger expressions than Envoy's own does. */
const RUNTIME = {
  layers: [{ name: 'global config', static_layer: { 're2.max_program_size.error_level': 32_768 } }],
};
const INBOUND = 'inbound|80||';
const PASSTHROUGH = 'PassthroughCluster';
const ROUTER = {
  name: 'envoy.filters.http.router',
  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
};
const BLOCK_ALL = {
  name: 'block_all',
  domains: ['*'],
  routes: [{ name: 'block_all', match: { prefix: '/' }, direct_response: { status: 502 } }],
};
const ALLOW_ANY = { name: 'allow_any', domains: ['*'], routes: [routeTo(PASSTHROUGH)] };

function routeTo(name: string): Json {
  return { match: { prefix: '/' }, route: { cluster: name, timeout: '0s' } };
}

/** A host of the cluster is known by its shorter names, too. */
function virtualHost(known: KnownHost): Json {
  const { host, port } = known;
  const short = host.endsWith('.svc.cluster.local') ? [host.slice(0, -'.svc.cluster.local'.length)] : [];
  return {
    name: `${host}:${port}`,
    domains: [host, ...short].flatMap((name) => [name, `${name}:${port}`]),
    routes: [routeTo(clusterOf(known))],
  };
}

function clusterOf({ host, port }: KnownHost): string {
  return `outbound|${port}||${host}`;
}

function cluster(name: string, port: number, transport: Json | undefined): Json {
  return {
    name,
    connect_timeout: '5s',
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }],
    },
    ...(transport ? { transport_socket: transport } : {}),
  };
}

function address(port: number): Json {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

function downstreamTls({ tls }: Proxy): Json {
  return transportSocket('DownstreamTlsContext', {
    require_client_certificate: true,
    common_tls_context: {
      tls_certificates: [certificate(tls)],
      validation_context: { trusted_ca: { filename: tls.authorities } },
    },
  });
}

function upstreamTls({ principal }: KnownHost, { tls }: Proxy): Json | undefined {
  if (principal === undefined) return undefined;
  return transportSocket('UpstreamTlsContext', {
    common_tls_context: {
      tls_certificates: [certificate(tls)],
      validation_context: {
        trusted_ca: { filename: tls.authorities },
        match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: `spiffe://${principal}` } }],
      },
    },
  });
}

function transportSocket(type: string, config: Json): Json {
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.${type}`,
      ...config,
    },
  };
}

function certificate({ certificate: chain, key }: Proxy['tls']): Json {
  return { certificate_chain: { filename: chain }, private_key: { filename: key } };
}
