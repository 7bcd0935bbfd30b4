/** Envoy behind a service: sends its calls on with the callee's token in place of its own. */
import { UNDECLARED, callLog, refusedCallLog } from '../report/access-log.ts';
import type { ExportMode } from '../report/mode.ts';
import { authorizationOf, childAlone, forwardableAlone } from '../report/outgoing-token.ts';
import { CALLS, rulesFor } from '../report/shadow-rules.ts';
import type { OutboundCallee, ServiceModel } from '../service-model.ts';
import { addressOf, calleeForOtherPaths, destinationsByHost, type Destination } from './callee-hosts.ts';
import type { ClaimHeader } from './claim-matchers.ts';
import { clusterForCalls } from './clusters.ts';
import { FORWARDED, outboundJwt, type VerifiedTokens } from './jwt-filter.ts';
import { NO_TIMEOUT, httpListener } from './listener.ts';
import type { Deployment } from './options.ts';
import { UNCHECKED, sidecarChecks } from './sidecar-checks.ts';
import { clientTls } from './tls.ts';
import { JWT_FILTER, JWT_START, childOf, claimContains, hasChild, hasClaim } from './token-metadata.ts';
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
  const { mode, sidecar } = deployment;
  const forwards = callees.some((callee) => callee.mode === 'forward');
  const children = mode === 'enforce' && !sidecar ? childHeaders(callees) : undefined;
  const ownFilters = [
    outboundJwt(tokens, children && [...children.values()], forwards, mode),
    // Denies every call; each callee's route allows its own.
    extension(CALLEES, 'rbac', rulesFor(mode, CALLS, { action: 'ALLOW' })),
    ...(forwards && mode === 'report' ? [extension(OWN_TOKEN, 'headerMutation')] : []),
  ];
  const filters = sidecar
    ? [sidecarChecks('outbound', sidecar), ...(mode === 'report' ? [extension(CALLEES, 'rbac')] : [])]
    : ownFilters;
  const tokenOf = sidecar
    ? checkedToken
    : (callee: OutboundCallee) => tokenFor(callee, mode, children?.get(callee));
  return {
    listener: httpListener(deployment.outbound, {
      ...{
        name: 'waybill-outbound',
        transport: undefined,
        headersKb,
        peers: undefined,
        filters,
        mode,
        showsPeerUris: false,
      },
      resolvesPaths: sidecar !== undefined || [...hosts.values()].flat().some(({ prefix }) => prefix !== ''),
      removedHeaders: Array.from(children?.values() ?? [], ({ header }) => header),
      virtualHosts: [
        ...virtualHosts(mode === 'enforce' ? hosts : withOtherPaths(hosts, deployment), tokenOf),
        elsewhere(mode, sidecar ? UNCHECKED : {}),
      ],
      logs: mode === 'enforce' ? [] : [...(sidecar ? [] : [callLog(service)]), refusedCallLog(service)],
    }),
    clusters: callees.map((callee) => calleeCluster(callee, services.get(callee.name), deployment)),
  };
}

const CALLEES = 'waybill.callees';

const OWN_TOKEN = 'waybill.own_token';

const ELSEWHERE = {
  name: 'elsewhere',
  domains: ['*'],
  routes: [{ match: { prefix: '/' }, direct_response: { status: 403 } }],
};

/** Envoy has no address for other hosts, so that these calls are refused in report mode, too. */
function elsewhere(mode: ExportMode, unchecked: Json): Json {
  if (mode === 'enforce')
    return {
      ...ELSEWHERE,
      ...(Object.keys(unchecked).length === 0 ? {} : { typed_per_filter_config: unchecked }),
    };
  const policies = { [UNDECLARED]: { permissions: [{ any: true }], principals: [{ any: true }] } };
  return {
    ...ELSEWHERE,
    typed_per_filter_config: { ...unchecked, [CALLEES]: forRoute(mode, { action: 'DENY', policies }) },
  };
}

/** Tokens on demand have to be fetched, which a sidecar can do, and Envoy cannot. In report mode the call goes out without one. */
export function isRouted(callee: OutboundCallee, { addresses, mode, sidecar }: Deployment): boolean {
  const canGo = callee.mode !== 'exchange' || sidecar !== undefined || mode === 'report';
  return canGo && addressOf(callee, addresses) !== undefined;
}

/** They go out as calls for whose callee Envoy has no token. */
function withOtherPaths(
  hosts: ReadonlyMap<string, readonly Destination[]>,
  { addresses }: Deployment,
): ReadonlyMap<string, readonly Destination[]> {
  return new Map(
    Array.from(hosts, ([host, destinations]) => {
      const callee = calleeForOtherPaths(destinations, addresses);
      const rest: Destination[] = callee ? [{ callee: { ...callee, mode: 'exchange' }, prefix: '' }] : [];
      return [host, [...destinations, ...rest]];
    }),
  );
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
function tokenFor(
  { name, audience = '', mode: how }: OutboundCallee,
  mode: ExportMode,
  child: ClaimHeader | undefined,
): Json {
  if (how === 'none' || how === 'exchange')
    return {
      request_headers_to_remove: ['authorization'],
      typed_per_filter_config: {
        [JWT_FILTER]: typed('jwtForRoute', { disabled: true }),
        ...(how === 'none' ? { [CALLEES]: allow(mode, { any: true }) } : {}),
      },
    };
  if (how === 'forward')
    return {
      typed_per_filter_config: {
        [JWT_FILTER]: typed('jwtForRoute', { requirement_name: FORWARDED }),
        [CALLEES]: allow(mode, { and_ids: { ids: forwardable(audience) } }),
        ...(mode === 'enforce'
          ? {}
          : { [OWN_TOKEN]: typed('headerMutationForRoute', { mutations: forwardableAlone(audience) }) }),
      },
    };
  const allowed = {
    typed_per_filter_config: { [CALLEES]: allow(mode, child ? isToken(child.header) : hasChild(name)) },
  };
  if (mode === 'report') return { ...childAlone(name), ...allowed };
  // Without a child the header would be an empty `Bearer`, or have a number behind it.
  return {
    ...authorizationOf(`Bearer ${child ? `%REQ(${child.header})%` : childOf(name)}`),
    ...allowed,
  };
}

/**
 * A header for each callee's token, which costs less than to copy all claims as metadata. None of them leaves: they are
 * removed when the route's are set.
 *
 * @returns undefined where a name has a dot, which in the path of a claim leads to a member of a member.
 */
function childHeaders(callees: readonly OutboundCallee[]): Map<OutboundCallee, ClaimHeader> | undefined {
  const embedded = callees.filter(({ mode }) => mode === 'embed');
  if (embedded.some(({ name }) => name.includes('.'))) return undefined;
  return new Map(
    embedded.map((callee, index) => [
      callee,
      { header: `x-waybill-child-${index + 1}`, claim: ['embedded', callee.name] },
    ]),
  );
}

/** Not an object, which Envoy would write as JSON in Base64. */
function isToken(name: string): Json {
  const texts = [{ prefix: JWT_START }, { contains: '.' }];
  return { and_ids: { ids: texts.map((string_match) => ({ header: { name, string_match } })) } };
}

/** A token that the callee could not use for anything but this call. */
function forwardable(audience: string): Json[] {
  return [claimContains('aud', audience), { not_id: hasClaim('embedded') }, { not_id: hasClaim('cnf') }];
}

function allow(mode: ExportMode, principal: Json): Json {
  const policies = { callee: { permissions: [{ any: true }], principals: [principal] } };
  return forRoute(mode, { action: 'ALLOW', policies });
}

function forRoute(mode: ExportMode, rules: Json): Json {
  return typed('rbacForRoute', { rbac: rulesFor(mode, CALLS, rules) });
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
    return clientTls({ authorities: tls.authorities, names: service.identities, host, as: tls });
  if (!/^https:/i.test(callee.audience ?? '')) return undefined;
  return clientTls({ authorities: systemAuthorities, names: [host], host, as: undefined });
}

function hostOf({ authority }: OutboundCallee): string | undefined {
  return authority?.replace(/:\d+$/, '');
}
