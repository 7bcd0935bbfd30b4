/** A listener for HTTP, with what both directions have in common. */
import { WITHOUT_TOKEN_HEADERS } from '../token-headers.ts';
import { PEER_URIS } from './claim-matchers.ts';
import type { ExportMode } from '../report/mode.ts';
import type { SocketAddress } from './options.ts';
import { extension, socketAddress, type Json } from './typed.ts';

export interface HttpChain {
  readonly name: string;
  /** TLS; undefined: plain. */
  readonly transport: Json | undefined;
  /** KiB of all headers of a request. */
  readonly headersKb: number;
  /** What a sidecar gets to know of the peer's certificate: its names, or all of it, for tokens that are bound to it. */
  readonly peers?: 'names' | 'certificates' | undefined;
  /**
   * Whether dot segments and repeated slashes are resolved before anything looks at the path, and paths with escaped slashes
   * refused. What is compared is then what is sent on.
   */
  readonly resolvesPaths: boolean;
  /** All but the router. */
  readonly filters: readonly Json[];
  readonly virtualHosts: readonly Json[];
  /** Whether rules find the URIs of the peer's certificate in a header. */
  readonly showsPeerUris: boolean;
  /** Headers that are removed behind all filters, after the headers of a route are set. */
  readonly removedHeaders: readonly string[];
  readonly mode: ExportMode;
  readonly logs: readonly Json[];
}

/** @param plain for connections without TLS, if they are accepted as well. */
export function httpListener(address: SocketAddress, chain: HttpChain, plain?: HttpChain): Json {
  const listener = { name: chain.name, address: socketAddress(address) };
  if (!plain) return { ...listener, filter_chains: [filterChain(chain)] };
  const over = (transport_protocol: string): Json => ({ filter_chain_match: { transport_protocol } });
  return {
    ...listener,
    listener_filters: [extension('envoy.filters.listener.tls_inspector', 'tlsInspector')],
    filter_chains: [
      { ...over('tls'), ...filterChain(chain) },
      { ...over('raw_buffer'), ...filterChain(plain) },
    ],
  };
}

function filterChain({
  name,
  transport,
  headersKb,
  peers,
  resolvesPaths,
  filters,
  virtualHosts,
  showsPeerUris,
  removedHeaders,
  mode,
  logs,
}: HttpChain): Json {
  const removed = showsPeerUris ? [...removedHeaders, PEER_URIS] : removedHeaders;
  const manager = extension('envoy.filters.network.http_connection_manager', 'connectionManager', {
    stat_prefix: name,
    max_request_headers_kb: headersKb,
    ...(peers ? PEERS[peers] : {}),
    ...(resolvesPaths
      ? {
          normalize_path: true,
          merge_slashes: true,
          path_with_escaped_slashes_action: mode === 'enforce' ? 'REJECT_REQUEST' : 'KEEP_UNCHANGED',
        }
      : {}),
    // Before routes and filters see the request, and without a filter of its own.
    early_header_mutation_extensions: [
      extension('waybill.strip_headers', 'earlyHeaderMutation', {
        mutations: [...WITHOUT_TOKEN_HEADERS, ...(showsPeerUris ? [SHOW_PEER_URIS] : [])],
      }),
    ],
    ...(logs.length === 0 ? {} : { access_log: logs }),
    http_filters: [...filters, extension('envoy.filters.http.router', 'router')],
    route_config: {
      name,
      ...(removed.length === 0 ? {} : { request_headers_to_remove: removed }),
      virtual_hosts: virtualHosts,
    },
  });
  return { ...(transport ? { transport_socket: transport } : {}), filters: [manager] };
}

const SHOW_PEER_URIS = {
  append: {
    header: { key: PEER_URIS, value: '%DOWNSTREAM_PEER_URI_SAN%' },
    append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
  },
};

/** In `x-forwarded-client-cert`, in place of what a client wrote there. */
const PEERS = {
  names: peerDetails({ uri: true, dns: true }),
  certificates: peerDetails({ uri: true, dns: true, cert: true }),
};

function peerDetails(details: Json): Json {
  return { forward_client_cert_details: 'SANITIZE_SET', set_current_client_cert_details: details };
}

export const STRIP = extension('envoy.filters.http.header_mutation', 'headerMutation', {
  mutations: { request_mutations: WITHOUT_TOKEN_HEADERS },
});

/** Envoy's own limit of 15 seconds would end streams and long calls. */
export const NO_TIMEOUT = { timeout: '0s' };
