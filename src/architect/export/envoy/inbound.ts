/** Envoy before a service: verifies tokens, and lets through what the graph allows. */
import { connectionLog, serviceLog } from '../report/access-log.ts';
import { PERMISSIONS, REFUSALS, unlessAllowed } from '../report/shadow-rules.ts';
import type { ServiceModel } from '../service-model.ts';
import { permissions, reportedRefusals } from './authorization.ts';
import { ruleHeaders } from './claim-matchers.ts';
import { clusterForCalls } from './clusters.ts';
import { inboundJwt, type VerifiedTokens } from './jwt-filter.ts';
import { NO_TIMEOUT, STRIP, httpListener, type HttpChain } from './listener.ts';
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
  const { inbound, application, tls, gateways, sidecar, mode } = deployment;
  const checksCaller = service.caller === 'mtls';
  const speaksTls = checksCaller || /^https:/i.test(service.audience);
  const rules = sidecar || mode === 'report' ? [] : ruleHeaders(acceptsRoots(service));
  const checks = sidecar
    ? [sidecarChecks('inbound', sidecar)]
    : [
        inboundJwt(tokens, rules, mode),
        ...(mode === 'enforce' ? [] : [reportedRefusals()]),
        permissions(service, { gateways, mode, signing: tokens.signing }),
      ];
  // A sidecar says itself what it would refuse, and names nobody then.
  const ownReports = mode === 'report' && !sidecar ? [REFUSALS, PERMISSIONS] : undefined;
  const chain: HttpChain = {
    name: 'waybill-inbound',
    transport: speaksTls ? serverTls(tls, checksCaller, mode) : undefined,
    headersKb,
    peers: sidecar && checksCaller ? (service.tokens.roots ? 'certificates' : 'names') : undefined,
    resolvesPaths: sidecar !== undefined,
    showsPeerUris: !sidecar && checksCaller,
    removedHeaders: rules.map(({ header }) => header),
    filters: ownReports ? [...checks, headersOfAllowed(ownReports)] : checks,
    virtualHosts: [
      {
        name: 'service',
        domains: ['*'],
        routes: [{ match: { prefix: '/' }, route: { cluster: APPLICATION, ...NO_TIMEOUT } }],
      },
    ],
    mode,
    logs: ownReports ? [serviceLog(service, ownReports)] : [],
  };
  const plain: HttpChain = {
    ...chain,
    name: 'waybill-inbound-plain',
    transport: undefined,
    filters: [...checks, headersOfAllowed([])],
    logs: [connectionLog(service)],
  };
  return {
    listener: httpListener(inbound, chain, mode === 'report' && speaksTls ? plain : undefined),
    cluster: clusterForCalls(APPLICATION, application, undefined),
  };
}

function acceptsRoots({ inbound }: ServiceModel): boolean {
  return inbound.some(({ callers }) => callers.some(({ kind }) => kind === 'client'));
}

/** In report mode a service gets headers of tokens that enforcement would accept, and of no others. */
function headersOfAllowed(prefixes: readonly string[]): Json {
  return unlessAllowed('waybill.accepted_alone', STRIP, prefixes);
}
