/** Envoy asks a sidecar about each request, in place of its own filters. */
import { cluster } from './clusters.ts';
import type { SidecarAddress } from './options.ts';
import { extension, typed, type Json } from './typed.ts';

const CLUSTER = 'waybill-sidecar';
const FILTER = 'envoy.filters.http.ext_authz';
/** Longer than the sidecar waits for the issuer. */
const TIMEOUT = '10s';

/** What the sidecar needs of a request, beside its method, path and host. */
const SENT = ['authorization', 'dpop', 'x-forwarded-client-cert'];

/** For a route about which the sidecar is not asked. */
export const UNCHECKED: Json = { [FILTER]: typed('externalAuthorizationForRoute', { disabled: true }) };

/** The route is chosen before, by host and path: no header of the answer changes it. */
export function sidecarChecks(direction: 'inbound' | 'outbound', address: SidecarAddress): Json {
  return extension(FILTER, 'externalAuthorization', {
    transport_api_version: 'V3',
    // Without an answer nothing passes.
    failure_mode_allow: false,
    status_on_error: { code: 'ServiceUnavailable' },
    allowed_headers: { patterns: SENT.map((exact) => ({ exact, ignore_case: true })) },
    ...(address.over === 'grpc' ? askedOverGrpc(direction) : askedOverHttp(direction, address)),
  });
}

function askedOverHttp(direction: string, { host, port }: SidecarAddress): Json {
  return {
    http_service: {
      server_uri: { uri: `http://${host}:${port}`, cluster: CLUSTER, timeout: TIMEOUT },
      path_prefix: `/${direction}`,
      // They replace what the request has. Those to take away are named in the answer, too.
      authorization_response: {
        allowed_upstream_headers: {
          patterns: [
            { exact: 'authorization', ignore_case: true },
            { prefix: 'x-waybill-', ignore_case: true },
          ],
        },
      },
    },
  };
}

function askedOverGrpc(direction: string): Json {
  return {
    // Else two headers of one name become one.
    encode_raw_headers: true,
    grpc_service: {
      envoy_grpc: { cluster_name: CLUSTER },
      timeout: TIMEOUT,
      initial_metadata: [{ key: 'waybill-direction', value: direction }],
    },
  };
}

/** @param headersKb of an answer over HTTP: it has the token of a callee in it. */
export function sidecarCluster(address: SidecarAddress, headersKb: number): Json {
  const version = address.over === 'grpc' ? 'http2_protocol_options' : 'http_protocol_options';
  const protocols = {
    explicit_http_config: { [version]: {} },
    common_http_protocol_options: { max_response_headers_kb: headersKb },
  };
  return {
    ...cluster(CLUSTER, address, undefined),
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed('protocols', protocols),
    },
  };
}
