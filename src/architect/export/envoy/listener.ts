/** A listener for HTTP, with what both directions have in common. */
import { WITHOUT_TOKEN_HEADERS } from '../token-headers.ts';
import type { SocketAddress } from './options.ts';
import { extension, socketAddress, type Json } from './typed.ts';

export interface HttpListener {
  readonly name: string;
  readonly address: SocketAddress;
  /** TLS; undefined: plain. */
  readonly transport: Json | undefined;
  /** KiB of all headers of a request. */
  readonly headersKb: number;
  /** What a sidecar gets to know of the peer's certificate: its names, or all of it, for tokens that are bound to it. */
  readonly peers?: 'names' | 'certificates' | undefined;
  /** All but the router, and the one that strips headers. */
  readonly filters: readonly Json[];
  readonly virtualHosts: readonly Json[];
}

export function httpListener({
  name,
  address,
  transport,
  headersKb,
  peers,
  filters,
  virtualHosts,
}: HttpListener): Json {
  const manager = extension('envoy.filters.network.http_connection_manager', 'connectionManager', {
    stat_prefix: name,
    max_request_headers_kb: headersKb,
    ...(peers ? PEERS[peers] : {}),
    // What is compared is what is sent on.
    normalize_path: true,
    merge_slashes: true,
    path_with_escaped_slashes_action: 'REJECT_REQUEST',
    http_filters: [STRIP, ...filters, extension('envoy.filters.http.router', 'router')],
    route_config: { name, virtual_hosts: virtualHosts },
  });
  const chain = { ...(transport ? { transport_socket: transport } : {}), filters: [manager] };
  return { name, address: socketAddress(address), filter_chains: [chain] };
}

/** In `x-forwarded-client-cert`, in place of what a client wrote there. */
const PEERS = {
  names: peerDetails({ uri: true, dns: true }),
  certificates: peerDetails({ uri: true, dns: true, cert: true }),
};

function peerDetails(details: Json): Json {
  return { forward_client_cert_details: 'SANITIZE_SET', set_current_client_cert_details: details };
}

const STRIP = extension('envoy.filters.http.header_mutation', 'headerMutation', WITHOUT_TOKEN_HEADERS);

/** Envoy's own limit of 15 seconds would end streams and long calls. */
export const NO_TIMEOUT = { timeout: '0s' };
