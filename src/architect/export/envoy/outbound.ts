/** Envoy behind a service: sends its calls on with the callee's token in place of its own. */
import type { OutboundCallee, ServiceModel } from '../service-model.ts';
import { addressOf, destinationsByHost, type Destination } from './callee-hosts.ts';
import { clusterForCalls } from './clusters.ts';
import { FORWARDED, outboundJwt, type VerifiedTokens } from './jwt-filter.ts';
import { NO_TIMEOUT, httpListener } from './listener.ts';
import type { Deployment } from './options.ts';
import { UNCHECKED, sidecarChecks } from './sidecar-checks.ts';
import { clientTls } from './tls.ts';
import { JWT_FILTER, childOf, claimContains, hasClaim } from './token-metadata.ts';
import { extension, typed, type Json } from './typed.ts';

export interface Outbound {
  readonly listener: Json;
  readonly clusters: readonly Json[];
}

/** @param services to know of a callee whether it checks certificates. */
export function outboundOf(
  service: ServiceModel,
  services: ReadonlyMap<string, ServiceModel>,
  { tokens, headersKb, deployment }: { tokens: VerifiedTokens; headersKb: number; deployment: Deployment },
): Outbound {
  const callees = service.outbound.filter((callee) => isRouted(callee, deployment));
  const hosts = destinationsByHost(callees, deployment.addresses);
  const { sidecar } = deployment;
  const filters = sidecar
    ? [sidecarChecks('outbound', sidecar)]
    : [
        outboundJwt(
          tokens,
          callees.some(({ mode }) => mode === 'forward'),
        ),
        // Denies every call; each callee's route allows its own.
        extension(CALLEES, 'rbac', { rules: { action: 'ALLOW' } }),
      ];
  const tokenOf = sidecar ? checkedToken : tokenFor;
  return {
    listener: httpListener({
      ...{ name: 'waybill-outbound', address: deployment.outbound, transport: undefined, headersKb, filters },
      virtualHosts: [
        ...virtualHosts(hosts, tokenOf),
        sidecar ? { ...ELSEWHERE, typed_per_filter_config: UNCHECKED } : ELSEWHERE,
      ],
    }),
    clusters: callees.map((callee) => calleeCluster(callee, services.get(callee.name), deployment)),
  };
}

const CALLEES = 'waybill.callees';

const ELSEWHERE = {
  name: 'elsewhere',
  domains: ['*'],
  routes: [{ match: { prefix: '/' }, direct_response: { status: 403 } }],
};

/** Tokens on demand have to be fetched, which a sidecar can do, and Envoy cannot. */
export function isRouted(callee: OutboundCallee, { addresses, sidecar }: Deployment): boolean {
  return (sidecar !== undefined || callee.mode !== 'exchange') && addressOf(callee, addresses) !== undefined;
}

/** Hosts that lead to the same callees share a virtual host. */
function virtualHosts(
  hosts: ReadonlyMap<string, readonly Destination[]>,
  tokenOf: (callee: OutboundCallee) => Json,
): Json[] {
  const groups = new Map<string, { domains: string[]; destinations: readonly Destination[] }>();
  for (const [host, destinations] of hosts) {
    const key = JSON.stringify(destinations.map(({ callee, prefix }) => [callee.name, prefix]));
    const group = groups.get(key) ?? { domains: [], destinations };
    group.domains.push(host);
    groups.set(key, group);
  }
  return Array.from(groups.values(), ({ domains, destinations }) => ({
    name: domains[0],
    domains,
    // The longest prefix of the audience counts.
    routes: [...destinations]
      .sort((a, b) => b.prefix.length - a.prefix.length)
      .map((one) => route(one, tokenOf)),
  }));
}

function route({ callee, prefix }: Destination, tokenOf: (callee: OutboundCallee) => Json): Json {
  return {
    match: prefix === '' ? { prefix: '/' } : { path_separated_prefix: prefix },
    route: { cluster: clusterName(callee), ...NO_TIMEOUT },
    ...tokenOf(callee),
  };
}

/** The sidecar's answer has the token of the callee, by its host. */
function checkedToken({ mode }: OutboundCallee): Json {
  if (mode !== 'none') return {};
  return { request_headers_to_remove: ['authorization'], typed_per_filter_config: UNCHECKED };
}

/** What happens to `authorization` on the way to a callee, and when the call is allowed. */
function tokenFor({ name, audience = '', mode }: OutboundCallee): Json {
  if (mode === 'none')
    return {
      request_headers_to_remove: ['authorization'],
      typed_per_filter_config: {
        [JWT_FILTER]: typed('jwtForRoute', { disabled: true }),
        [CALLEES]: allow({ any: true }),
      },
    };
  if (mode === 'forward')
    return {
      typed_per_filter_config: {
        [JWT_FILTER]: typed('jwtForRoute', { requirement_name: FORWARDED }),
        [CALLEES]: allow({ and_ids: { ids: forwardable(audience) } }),
      },
    };
  return {
    request_headers_to_add: [
      {
        header: { key: 'authorization', value: `Bearer ${childOf(name)}` },
        append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
      },
    ],
    // Without a child the header would be an empty `Bearer`.
    typed_per_filter_config: { [CALLEES]: allow(hasClaim('embedded', name)) },
  };
}

/** A token that the callee could not use for anything but this call. */
function forwardable(audience: string): Json[] {
  return [claimContains('aud', audience), { not_id: hasClaim('embedded') }, { not_id: hasClaim('cnf') }];
}

function allow(principal: Json): Json {
  const policies = { callee: { permissions: [{ any: true }], principals: [principal] } };
  return typed('rbacForRoute', { rbac: { rules: { action: 'ALLOW', policies } } });
}

function clusterName({ name }: OutboundCallee): string {
  return `waybill-callee-${name}`;
}

function calleeCluster(
  callee: OutboundCallee,
  service: ServiceModel | undefined,
  deployment: Deployment,
): Json {
  const address = addressOf(callee, deployment.addresses)!;
  return clusterForCalls(clusterName(callee), address, calleeTls(callee, service, deployment));
}

/** A callee that checks its callers is asked with a certificate; another as its audience says. */
function calleeTls(
  callee: OutboundCallee,
  service: ServiceModel | undefined,
  { tls, systemAuthorities, addresses }: Deployment,
): Json | undefined {
  const host = hostOf(callee) ?? addressOf(callee, addresses)!.host;
  if (service?.caller === 'mtls')
    return clientTls({ authorities: tls.authorities, name: service.identity, host, as: tls });
  if (!/^https:/i.test(callee.audience ?? '')) return undefined;
  return clientTls({ authorities: systemAuthorities, name: host, host, as: undefined });
}

function hostOf({ authority }: OutboundCallee): string | undefined {
  return authority?.replace(/:\d+$/, '');
}
