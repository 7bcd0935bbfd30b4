/** What the graph says, in the language of others that enforce it too: Istio, Envoy, HAProxy, the Open Policy Agent. */
export { istioResources, type IstioExport } from './istio/istio.ts';
export type { IstioOptions } from './istio/options.ts';
export {
  OverlapIndex,
  parseOperation,
  takesAway,
  type HttpOperation,
  type PathPattern,
} from './operations/index.ts';
export { opaBundle, type OpaBundle, type OpaOptions } from './opa/opa.ts';
export {
  envoyConfig,
  type EnvoyBootstrap,
  type EnvoyExport,
  type EnvoyOptions,
  type EnvoyParts,
} from './envoy/envoy.ts';
export { configYaml } from './config-yaml.ts';
export { CERTIFICATE_HEADER, nginxConfig, type NginxExport, type NginxOptions } from './nginx/nginx.ts';
export {
  sidecarConfigs,
  type SidecarExport,
  type SidecarExportOptions,
  type SidecarFile,
} from './sidecar/sidecar.ts';
export type { SidecarAddress, SocketAddress } from './envoy/options.ts';
export { EXPORT_MODES, type ExportMode } from './report/mode.ts';
export { noteText, type ExportNote, type NoteCode } from './notes.ts';
export { haproxyConfig, type HaproxyExport, type HaproxyOptions } from './haproxy/haproxy.ts';
