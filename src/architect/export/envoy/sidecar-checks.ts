/** Envoy asks a sidecar about each request, over HTTP, in place of its own filters. */
import { cluster } from './clusters.ts';
import type { SocketAddress } from './options.ts';
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
export function sidecarChecks(direction: 'inbound' | 'outbound', { host, port }: SocketAddress): Json {
  return extension(FILTER, 'externalAuthorization', {
    transport_api_version: 'V3',
    // Without an answer nothing passes.
    failure_mode_allow: false,
    status_on_error: { code: 'ServiceUnavailable' },
    allowed_headers: { patterns: SENT.map((exact) => ({ exact, ignore_case: true })) },
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
  });
}

/** @param headersKb of an answer: it has the token of a callee in it. */
export function sidecarCluster(address: SocketAddress, headersKb: number): Json {
  const protocols = {
    explicit_http_config: { http_protocol_options: {} },
    common_http_protocol_options: { max_response_headers_kb: headersKb },
  };
  return {
    ...cluster(CLUSTER, address, undefined),
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed('protocols', protocols),
    },
  };
}
