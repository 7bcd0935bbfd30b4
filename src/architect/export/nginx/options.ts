/** What the graph does not know of a deployment with nginx. */
import type { Deployment } from '../envoy/options.ts';

export type NginxDeployment = Omit<Deployment, 'issuerAddress' | 'sidecar' | 'gateways'> & {
  /** Where the sidecar answers checks. Default: 127.0.0.1:9191. */
  readonly sidecar: NonNullable<Deployment['sidecar']>;
};
