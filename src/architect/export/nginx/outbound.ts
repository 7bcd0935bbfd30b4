/** nginx behind a service: the sidecar's answer has the token with which a call goes out. */
import {
  addressOf,
  calleeForOtherPaths,
  destinationsByHost,
  type Destination,
} from '../envoy/callee-hosts.ts';
import type { OutboundCallee, ServiceModel } from '../service-model.ts';
import { tokenHeaders } from '../token-headers.ts';
import { checkLocations, headerSizes, refusals, type NginxContext } from './checks.ts';
import type { NginxDeployment } from './options.ts';
import { block, quoted } from './text.ts';

/** None, if the service calls nobody. */
export function outboundServers(
  { outbound }: ServiceModel,
  services: ReadonlyMap<string, ServiceModel>,
  context: NginxContext,
): string[] {
  const hosts = calleesByHostName(outbound, context.deployment);
  if (hosts.size === 0 && outbound.every(({ mode }) => mode === 'none')) return [];
  const { host, port } = context.deployment.outbound;
  const listen = `listen ${host}:${port}`;
  const servers = Array.from(groups(hosts), ({ names, destinations }) =>
    block('server', [
      `${listen};`,
      `server_name ${names.map(quoted).join(' ')};`,
      ...headerSizes(context),
      ...destinations.flatMap((one) => locations(one, services, context)),
      ...(destinations.some(({ prefix }) => prefix === '')
        ? []
        : [block('location /', otherPaths(destinations, services, context))]),
      ...checkLocations('outbound', context, []),
      refusals(),
    ]),
  );
  const elsewhere = block('server', [
    `${listen} default_server;`,
    ...headerSizes(context),
    block('location /', ['return 403;']),
  ]);
  return [...servers, elsewhere];
}

/**
 * Destinations by host without its port, which `server_name` does not compare.
 *
 * A host that leads to several callees by its port alone is left out: each is called under the host of its audience.
 */
export function calleesByHostName(
  outbound: readonly OutboundCallee[],
  { addresses }: NginxDeployment,
): ReadonlyMap<string, readonly Destination[]> {
  const routed = outbound.filter(
    (callee) =>
      addressOf(callee, addresses) !== undefined && (callee.mode !== 'none' || addresses.has(callee.name)),
  );
  const names = new Map<string, Map<string, Destination>>();
  for (const [host, destinations] of destinationsByHost(routed, addresses)) {
    const name = host.replace(/:\d+$/, '');
    const known = names.get(name) ?? new Map<string, Destination>();
    for (const one of destinations) known.set(JSON.stringify([one.callee.name, one.prefix]), one);
    names.set(name, known);
  }
  return new Map(
    Array.from(names, ([name, found]): [string, Destination[]] => [name, [...found.values()]]).filter(
      ([, found]) => new Set(found.map(({ prefix }) => prefix)).size === found.length,
    ),
  );
}

/** Hosts that lead to the same callees share a server. */
function groups(
  hosts: ReadonlyMap<string, readonly Destination[]>,
): Iterable<{ readonly names: readonly string[]; readonly destinations: readonly Destination[] }> {
  const found = new Map<string, { names: string[]; destinations: readonly Destination[] }>();
  for (const [host, destinations] of hosts) {
    const key = JSON.stringify(destinations.map(({ callee, prefix }) => [callee.name, prefix]));
    const group = found.get(key) ?? { names: [], destinations };
    group.names.push(host);
    found.set(key, group);
  }
  return found.values();
}

/** A prefix covers whole segments: the path itself, and what is below it. */
function locations(
  { callee, prefix }: Destination,
  services: ReadonlyMap<string, ServiceModel>,
  context: NginxContext,
): string[] {
  const lines = proxied(callee, services.get(callee.name), context);
  if (prefix === '') return [block('location /', lines)];
  return [block(`location = ${quoted(prefix)}`, lines), block(`location ${quoted(`${prefix}/`)}`, lines)];
}

/** In report mode they go on, and the sidecar finds no token for them. */
function otherPaths(
  destinations: readonly Destination[],
  services: ReadonlyMap<string, ServiceModel>,
  context: NginxContext,
): string[] {
  const { mode, addresses } = context.deployment;
  const callee = mode === 'report' ? calleeForOtherPaths(destinations, addresses) : undefined;
  return callee ? proxied(callee, services.get(callee.name), context) : ['return 403;'];
}

function proxied(
  callee: OutboundCallee,
  service: ServiceModel | undefined,
  { deployment }: NginxContext,
): string[] {
  const { tls, systemAuthorities, addresses } = deployment;
  const { host, port } = addressOf(callee, addresses)!;
  const checksCaller = service?.caller === 'mtls';
  const speaksTls = checksCaller || /^https:/i.test(callee.audience ?? '');
  const peer = callee.authority?.replace(/:\d+$/, '') ?? host;
  return [
    ...(callee.mode === 'none'
      ? []
      : [
          'auth_request /.waybill/check;',
          'auth_request_set $waybill_status $upstream_status;',
          'auth_request_set $waybill_authorization $upstream_http_authorization;',
          'error_page 500 = @waybill_refused;',
        ]),
    `proxy_pass ${quoted(`${speaksTls ? 'https' : 'http'}://${host}:${port}`)};`,
    'proxy_http_version 1.1;',
    'proxy_set_header connection "";',
    'proxy_set_header host $http_host;',
    `proxy_set_header authorization ${callee.mode === 'none' ? '""' : '$waybill_authorization'};`,
    ...[...tokenHeaders.map(({ header }) => header), 'x-waybill-claims'].map(
      (name) => `proxy_set_header ${name} "";`,
    ),
    ...(speaksTls
      ? [
          'proxy_ssl_server_name on;',
          `proxy_ssl_name ${quoted(peer)};`,
          'proxy_ssl_verify on;',
          'proxy_ssl_verify_depth 4;',
          `proxy_ssl_trusted_certificate ${quoted(checksCaller ? tls.authorities : systemAuthorities)};`,
        ]
      : []),
    ...(checksCaller
      ? [`proxy_ssl_certificate ${quoted(tls.certificate)};`, `proxy_ssl_certificate_key ${quoted(tls.key)};`]
      : []),
  ];
}
