/** Envoy before a service: verifies tokens, and lets through what the graph allows. */
import type { ServiceModel } from '../service-model.ts';
import { permissions, refusals } from './authorization.ts';
import { clusterForCalls } from './clusters.ts';
import { inboundJwt, type VerifiedTokens } from './jwt-filter.ts';
import { NO_TIMEOUT, httpListener } from './listener.ts';
import type { Deployment } from './options.ts';
import { sidecarChecks } from './sidecar-checks.ts';
import { serverTls } from './tls.ts';
import type { Json } from './typed.ts';

export interface Inbound {
  readonly listener: Json;
  readonly cluster: Json;
}

const APPLICATION = 'waybill-application';

export function inboundOf(
  service: ServiceModel,
  { tokens, headersKb, deployment }: { tokens: VerifiedTokens; headersKb: number; deployment: Deployment },
): Inbound {
  const { inbound, application, tls, gateways, sidecar } = deployment;
  const checksCaller = service.caller === 'mtls';
  const speaksTls = checksCaller || /^https:/i.test(service.audience);
  return {
    listener: httpListener({
      name: 'waybill-inbound',
      address: inbound,
      transport: speaksTls ? serverTls(tls, checksCaller) : undefined,
      headersKb,
      peers: sidecar && checksCaller ? (service.tokens.roots ? 'certificates' : 'names') : undefined,
      filters: sidecar
        ? [sidecarChecks('inbound', sidecar)]
        : [inboundJwt(tokens), refusals(), permissions(service, gateways)],
      virtualHosts: [
        {
          name: 'service',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: APPLICATION, ...NO_TIMEOUT } }],
        },
      ],
    }),
    cluster: clusterForCalls(APPLICATION, application, undefined),
  };
}
