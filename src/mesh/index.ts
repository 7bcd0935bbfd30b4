/** The sidecar: verification and the swap of tokens for services in any language, beside a proxy or as one. */
export { serveGrpcChecks, type GrpcChecks } from './check/grpc-check.ts';
export { httpChecks } from './check/http-check.ts';
export { adminPages } from './admin.ts';
export { sidecarOptions, type SidecarConfig } from './config/config.ts';
export {
  calleeIdentities,
  egressAddresses,
  proxyLimits,
  proxyTlsFiles,
  readEgressTls,
  readListenTls,
  readSourceTrust,
  requireWholeProxy,
} from './config/proxy-config.ts';
export { readConfig } from './config/read-config.ts';
export { Destinations } from './proxy/destinations.ts';
export { egressProxy, inboundProxy, type ProxyOptions } from './proxy/proxy.ts';
export { Sidecar, type DecisionReport, type SidecarOptions } from './sidecar.ts';
