/** Configurations that send requests on: as they are, or after a question to a sidecar. Two listeners, as the export has. */
import type { Bootstrap, Json } from './envoy.ts';
import { MAX_TOKEN } from './shop.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export const ANY_PORT: Address = { host: '127.0.0.1', port: 0 };

const FILTERS = 'type.googleapis.com/envoy.extensions.filters.http';
const MANAGER =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const PROTOCOLS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const HEADERS_KB = (2 * MAX_TOKEN) / 1024;
const UPSTREAM = 'upstream';
const SIDECAR = 'sidecar';
const TIMEOUT = '5s';

export type Direction = 'inbound' | 'outbound';

/** How a sidecar is asked: at which of its ports, by which filter in each direction, and in which version of HTTP. */
export interface Question {
  readonly port: 'check' | 'grpc';
  readonly filter: (direction: Direction, url: string) => Json;
  readonly protocol: 'http_protocol_options' | 'http2_protocol_options';
}

export function proxy(upstream: Address, sidecar?: Question & { readonly url: string }): Bootstrap {
  const asking = (direction: Direction): Json[] => (sidecar ? [sidecar.filter(direction, sidecar.url)] : []);
  return {
    static_resources: {
      listeners: [listener('inbound', asking('inbound')), listener('outbound', asking('outbound'))],
      clusters: [
        cluster(UPSTREAM, upstream, 'http_protocol_options'),
        ...(sidecar ? [cluster(SIDECAR, addressOf(sidecar.url), sidecar.protocol)] : []),
      ],
    },
  };
}

function listener(name: Direction, filters: readonly Json[]): Json {
  const router = {
    name: 'envoy.filters.http.router',
    typed_config: { '@type': `${FILTERS}.router.v3.Router` },
  };
  const manager = {
    '@type': MANAGER,
    stat_prefix: name,
    max_request_headers_kb: HEADERS_KB,
    http_filters: [...filters, router],
    route_config: {
      name,
      virtual_hosts: [
        {
          name,
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: UPSTREAM, timeout: '0s' } }],
        },
      ],
    },
  };
  return {
    name,
    address: socketAddress(ANY_PORT),
    filter_chains: [
      { filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] },
    ],
  };
}

function cluster(name: string, address: Address, protocol: Question['protocol']): Json {
  const options = {
    '@type': `type.googleapis.com/${PROTOCOLS}`,
    explicit_http_config: { [protocol]: {} },
  };
  return {
    name,
    type: 'STATIC',
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(address) } }] }],
    },
    typed_extension_protocol_options: { [PROTOCOLS]: options },
  };
}

function socketAddress({ host, port }: Address): Json {
  return { socket_address: { address: host, port_value: port } };
}

export function addressOf(url: string): Address {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}

/** The question is the request without its body, below a path that names the direction. */
export const OVER_HTTP: Question = {
  port: 'check',
  protocol: 'http_protocol_options',
  filter: (direction, uri) =>
    extAuthz({
      http_service: {
        server_uri: { uri, cluster: SIDECAR, timeout: TIMEOUT },
        path_prefix: `/${direction}`,
        authorization_response: {
          allowed_upstream_headers: { patterns: [{ exact: 'authorization' }, { prefix: 'x-waybill-' }] },
        },
      },
    }),
};

/** The question is a message of Envoy's own, and its metadata name the direction. */
export const OVER_GRPC: Question = {
  port: 'grpc',
  protocol: 'http2_protocol_options',
  filter: (direction) =>
    extAuthz({
      encode_raw_headers: true,
      grpc_service: {
        envoy_grpc: { cluster_name: SIDECAR },
        timeout: TIMEOUT,
        initial_metadata: [{ key: 'waybill-direction', value: direction }],
      },
    }),
};

function extAuthz(question: Json): Json {
  const typed = {
    '@type': `${FILTERS}.ext_authz.v3.ExtAuthz`,
    transport_api_version: 'V3',
    allowed_headers: {
      patterns: [{ exact: 'authorization' }, { exact: 'dpop' }, { prefix: 'x-waybill-' }],
    },
    ...question,
  };
  return { name: 'envoy.filters.http.ext_authz', typed_config: typed };
}
