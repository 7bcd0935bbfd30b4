/** Envoy's extensions: a configuration names its message by a type URL. */

/** A part of a configuration as JSON. */
export type Json = Readonly<Record<string, unknown>>;

const FILTERS = 'envoy.extensions.filters.http';

/** Message types in use, by a short name. */
const TYPES = {
  connectionManager: 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  externalAuthorization: `${FILTERS}.ext_authz.v3.ExtAuthz`,
  externalAuthorizationForRoute: `${FILTERS}.ext_authz.v3.ExtAuthzPerRoute`,
  headerMutation: `${FILTERS}.header_mutation.v3.HeaderMutation`,
  jwt: `${FILTERS}.jwt_authn.v3.JwtAuthentication`,
  jwtForRoute: `${FILTERS}.jwt_authn.v3.PerRouteConfig`,
  earlyHeaderMutation: 'envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation',
  headerMutationForRoute: `${FILTERS}.header_mutation.v3.HeaderMutationPerRoute`,
  rbac: `${FILTERS}.rbac.v3.RBAC`,
  rbacForRoute: `${FILTERS}.rbac.v3.RBACPerRoute`,
  router: `${FILTERS}.router.v3.Router`,
  withMatcher: 'envoy.extensions.common.matching.v3.ExtensionWithMatcher',
  metadataInput: 'envoy.extensions.matching.common_inputs.network.v3.DynamicMetadataInput',
  metadataMatcher: 'envoy.extensions.matching.input_matchers.metadata.v3.Metadata',
  luaMatcher: 'envoy.extensions.string_matcher.lua.v3.Lua',
  stdoutLog: 'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog',
  withoutQuery: 'envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery',
  tlsInspector: 'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
  downstreamTls: 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
  upstreamTls: 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
  protocols: 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
} as const;

export function typed(type: keyof typeof TYPES, config: Json = {}): Json {
  return { '@type': `type.googleapis.com/${TYPES[type]}`, ...config };
}

/** A filter, a transport socket, an extension: its name and its configuration. */
export function extension(name: string, type: keyof typeof TYPES, config: Json = {}): Json {
  return { name, typed_config: typed(type, config) };
}

export function socketAddress({ host, port }: { readonly host: string; readonly port: number }): Json {
  return { socket_address: { address: host, port_value: port } };
}
