/** Where Envoy sends requests: to the service, to the issuer, to a callee. */
import type { SocketAddress } from './options.ts';
import { withoutBrackets } from './tls.ts';
import { socketAddress, typed, type Json } from './typed.ts';

const PROTOCOLS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** @param transport TLS; undefined: plain. */
export function cluster(name: string, address: SocketAddress, transport: Json | undefined): Json {
  const endpoint = { address: socketAddress({ ...address, host: withoutBrackets(address.host) }) };
  return {
    name,
    type: 'STRICT_DNS',
    connect_timeout: '5s',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint }] }] },
    ...(transport ? { transport_socket: transport } : {}),
  };
}

/** A request goes on with the version of HTTP with which it came: gRPC as HTTP/2. */
export function clusterForCalls(name: string, address: SocketAddress, transport: Json | undefined): Json {
  const protocols = {
    use_downstream_protocol_config: { http_protocol_options: {}, http2_protocol_options: {} },
  };
  return {
    ...cluster(name, address, transport),
    typed_extension_protocol_options: { [PROTOCOLS]: typed('protocols', protocols) },
  };
}
