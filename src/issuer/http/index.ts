/** HTTP around the issuer. */
export type { AdmissionLimits } from './admission.ts';
export { createApp, type AppOptions } from './app.ts';
export type { EndpointOptions } from './authenticated-form.ts';
export type {
  ObservedEndpoint,
  ObservedGrant,
  ObservedRequest,
  ObservedTree,
  RequestObserver,
} from './observed-request.ts';
export { clientsWithoutUsableAuth, type ClientCertificates } from './certificate-methods.ts';
export { Readiness, type ReadinessOptions, type ReadinessReport } from './readiness.ts';
export { roomForConnections } from './open-files.ts';
export { listen, type ListenOptions, type RunningServer, type TlsOptions } from './server.ts';
export { ThrottledReport } from './throttled-report.ts';
