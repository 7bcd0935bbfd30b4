/**
 * What a service sends: an EnvoyFilter that puts the callee's own token in place of the caller's, and a Sidecar that
 * shows it its callees alone. The caller's token leaves on no way: where no child is for the callee, the proxy answers
 * 403 itself.
 */
import { FAILURE, JWT_FILTER, JWT_START, PAYLOAD, childOf } from '../envoy/token-metadata.ts';
import { extension, typed, type Json } from '../envoy/typed.ts';
import type { ExportMode } from '../report/mode.ts';
import { authorizationOf, childAlone, forwardableAlone, othersAlone } from '../report/outgoing-token.ts';
import { CALLS, rulesFor } from '../report/shadow-rules.ts';
import type { Notes } from '../notes.ts';
import type { OutboundCallee, ServiceModel } from '../service-model.ts';
import type { IstioContext, Workload } from './options.ts';
import { envoyFilter, stripHeaders, type Resource } from './resource.ts';

const RBAC_FILTER = 'waybill.callee_token';
const OWN_TOKEN = 'waybill.own_token';
const CACHED_TOKENS = 500;
const FORWARD = 'forward';

export function swapFilter(service: ServiceModel, workload: Workload, context: IstioContext): Resource {
  const { mode, workloads, jwksUri } = context;
  return envoyFilter(`${workload.name}-waybill-calls`, workload, [
    // What the application copied from its own request is not true of the next.
    insertBeforeRouter(stripHeaders),
    insertBeforeRouter(readToken(service, context)),
    insertBeforeRouter(extension(RBAC_FILTER, 'rbac', rulesElsewhere(mode))),
    ...(mode === 'enforce' ? [] : [insertBeforeRouter(keepOthers)]),
    ...service.outbound.flatMap((callee) => {
      const host = workloads.get(callee.name)?.host;
      return host === undefined ? [] : (calleePatch(callee, host, mode) ?? []);
    }),
    ...(mode === 'enforce' ? [] : [openHost(new URL(jwksUri).hostname, mode)]),
  ]);
}

/** Patches of one filter are applied in their order, each directly before the router. */
export function insertBeforeRouter(value: object, context = 'SIDECAR_OUTBOUND'): object {
  return {
    applyTo: 'HTTP_FILTER',
    match: {
      context,
      listener: {
        filterChain: {
          filter: {
            name: 'envoy.filters.network.http_connection_manager',
            subFilter: { name: 'envoy.filters.http.router' },
          },
        },
      },
    },
    patch: { operation: 'INSERT_BEFORE', value },
  };
}

/** Without a Sidecar, a token that could not be verified would reach hosts that no callee is. */
const keepOthers = extension(OWN_TOKEN, 'headerMutation', { mutations: othersAlone() });

/** For hosts that the graph does not declare. In report mode no Sidecar closes them. */
function rulesElsewhere(mode: ExportMode): Json {
  return mode === 'enforce' ? { rules: NO_DOUBTFUL_TOKEN } : rulesFor(mode, CALLS, { action: 'ALLOW' });
}

/**
 * Reads the application's own token and takes it away, also where no callee matches. Where the graph lets it be passed on
 * (`mode: forward`), the callee's virtual host asks for the second provider.
 */
function readToken({ audiences }: ServiceModel, { issuer, jwksUri, tokenBytes }: IstioContext): object {
  const provider = {
    issuer,
    audiences,
    from_headers: [{ name: 'authorization', value_prefix: 'Bearer ' }],
    payload_in_metadata: PAYLOAD,
    failed_status_in_metadata: FAILURE,
    jwt_cache_config: { jwt_cache_size: CACHED_TOKENS, jwt_max_token_size: tokenBytes },
    remote_jwks: {
      http_uri: { uri: jwksUri, cluster: clusterOf(jwksUri), timeout: '5s' },
      cache_duration: '300s',
    },
  };
  // Other credentials, for hosts outside, pass untouched.
  const where = (name: string): object => ({
    requires_any: { requirements: [{ provider_name: name }, { allow_missing_or_failed: {} }] },
  });
  return extension(JWT_FILTER, 'jwt', {
    providers: {
      waybill: { ...provider, forward: false },
      waybill_forward: { ...provider, forward: true },
    },
    rules: [{ match: { prefix: '/' }, requires: where('waybill') }],
    requirement_map: { [FORWARD]: where('waybill_forward') },
  });
}

/** istiod's name of the cluster that leads to a host. */
function clusterOf(uri: string): string {
  return `outbound|${portOf(uri)}||${new URL(uri).hostname}`;
}

function portOf(uri: string): string {
  const { port, protocol } = new URL(uri);
  return port !== '' ? port : protocol === 'http:' ? '80' : '443';
}

/** @returns undefined for calls without a token, and for tokens that the application fetches itself. */
function calleePatch(
  { name, mode: how, audience = '' }: OutboundCallee,
  host: string,
  mode: ExportMode,
): object | undefined {
  switch (how) {
    case 'embed':
      // The route denies the call where there is none.
      return virtualHost(host, {
        ...(mode === 'enforce' ? authorizationOf(`Bearer ${childOf(name)}`) : childAlone(name)),
        typed_per_filter_config: {
          [RBAC_FILTER]: onlyWith(mode, hasChild(name)),
        },
      });
    case 'forward':
      return virtualHost(host, {
        typed_per_filter_config: {
          [JWT_FILTER]: typed('jwtForRoute', { requirement_name: FORWARD }),
          // The issuer wrote the callee's audience into the tokens that may be passed on, and into no other.
          [RBAC_FILTER]: onlyWith(
            mode,
            member([PAYLOAD, 'aud'], { list_match: { one_of: { string_match: { exact: audience } } } }),
            // Nothing that the callee could use for another call.
            { not_id: hasMember(PAYLOAD, 'embedded') },
            { not_id: hasMember(PAYLOAD, 'cnf') },
          ),
          ...(mode === 'enforce'
            ? {}
            : {
                [OWN_TOKEN]: typed('headerMutationForRoute', {
                  mutations: forwardableAlone(audience),
                }),
              }),
        },
      });
    case 'exchange':
    case 'none':
      return mode === 'enforce' ? undefined : openHost(host, mode);
  }
}

/** A host that the Sidecar would leave open, and that needs no token of this proxy: nothing is reported of it. */
function openHost(host: string, mode: ExportMode): object {
  return virtualHost(host, { typed_per_filter_config: { [RBAC_FILTER]: onlyWith(mode, { any: true }) } });
}

function virtualHost(host: string, value: object): object {
  return {
    applyTo: 'VIRTUAL_HOST',
    match: { context: 'SIDECAR_OUTBOUND', routeConfiguration: { vhost: { domainName: host } } },
    patch: { operation: 'MERGE', value },
  };
}

/** A value that the filter before left of the token, or of its failure. */
function member(path: readonly string[], value: object): object {
  return { metadata: { filter: JWT_FILTER, path: path.map((key) => ({ key })), value } };
}

function hasMember(...path: readonly string[]): object {
  return member(path, { present_match: true });
}

/** A text, and no empty one. */
function hasChild(callee: string): object {
  return member([PAYLOAD, 'embedded', callee], { string_match: { prefix: JWT_START } });
}

/** Answers 403 where the token that the application sent is not so. */
function onlyWith(mode: ExportMode, ...conditions: readonly object[]): object {
  return typed('rbacForRoute', {
    rbac: rulesFor(mode, CALLS, { action: 'ALLOW', policies: { 'callee-token': policy(conditions) } }),
  });
}

/**
 * A token that fails is not taken away. It leaves only if it cannot be the application's own: an opaque one, one of another
 * issuer, one for another audience. Everything else is denied: without the issuer's keys a good token fails, too.
 */
const ANOTHERS_TOKEN = [
  { exact: 'Jwt is missing' },
  { prefix: 'Jwt is not in the form of ' },
  { prefix: 'Jwt header is an invalid ' },
  { prefix: 'Jwt payload is an invalid ' },
  { exact: 'Jwt issuer is not configured' },
  { exact: 'Audiences in Jwt are not allowed' },
];

const value_matchers = ANOTHERS_TOKEN.map((string_match) => ({ string_match }));
const NO_DOUBTFUL_TOKEN = {
  action: 'DENY',
  policies: {
    'doubtful-token': policy([
      hasMember(FAILURE),
      { not_id: member([FAILURE, 'message'], { or_match: { value_matchers } }) },
    ]),
  },
};

function policy(conditions: readonly object[]): object {
  return { permissions: [{ any: true }], principals: [{ and_ids: { ids: conditions } }] };
}

/**
 * Without it, a proxy that cannot reach the issuer's keys would send the caller's own token to hosts that no callee is.
 */
export function sidecar(
  service: ServiceModel,
  { name, namespace, labels }: Workload,
  { workloads, jwksUri, notes }: IstioContext,
): Resource {
  const hosts = service.outbound.flatMap((callee) => {
    const workload = workloads.get(callee.name);
    if (workload) return [`${workload.namespace}/${workload.host}`];
    notes.about(service.name, {
      'unrouted-callee': `It calls ${callee.name}, which the graph does not declare, so the Sidecar closes the way to it. Add its host to \`egress\`.`,
    });
    return [];
  });
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Sidecar',
    metadata: { name, namespace },
    spec: {
      workloadSelector: { labels },
      egress: [{ hosts: [...new Set([...hosts, `*/${new URL(jwksUri).hostname}`])] }],
      outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' },
    },
  };
}

export function noteOnDemand({ name, outbound }: ServiceModel, notes: Notes): void {
  const callees = outbound.filter(({ mode }) => mode === 'exchange').map((callee) => callee.name);
  notes.about(name, {
    'on-demand':
      callees.length > 0 &&
      `The tokens for ${callees.join(', ')} are fetched when they are needed, which Istio cannot. Use the middleware or \`waybill sidecar\` in the service.`,
  });
}
