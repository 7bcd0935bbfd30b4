/** The sidecar: verification and the swap of tokens for services in any language, beside a proxy or as one. */
export { httpChecks } from './check/http-check.ts';
export { adminPages } from './admin.ts';
export { sidecarOptions, type SidecarConfig } from './config/config.ts';
export { readConfig } from './config/read-config.ts';
export { Sidecar, type DecisionReport, type SidecarOptions } from './sidecar.ts';
