/** HAProxy behind a service: sends its calls on with the callee's token in place of its own. */
import { addressOf, destinationsByHost, type Destination } from '../envoy/callee-hosts.ts';
import type { OutboundCallee, ServiceModel } from '../service-model.ts';
import { escapeExpression, quoted, section, when, wholeExpression } from './text.ts';
import {
  COMPACT,
  STRIP_HEADERS,
  payload,
  verifyRules,
  type HaproxyDeployment,
  type VerifiedTokens,
} from './verify.ts';

/** A child whose name has a dot cannot be named in a query. */
export function isRouted(callee: OutboundCallee, { addresses }: HaproxyDeployment): boolean {
  return callee.mode === 'embed' && !callee.name.includes('.') && addressOf(callee, addresses) !== undefined;
}

export function outboundSections(
  service: ServiceModel,
  services: ReadonlyMap<string, ServiceModel>,
  tokens: VerifiedTokens,
  deployment: HaproxyDeployment,
): readonly string[] {
  const callees = service.outbound.filter((callee) => isRouted(callee, deployment));
  const destinations = Array.from(destinationsByHost(callees, deployment.addresses), ([host, below]) =>
    [...below].sort((a, b) => b.prefix.length - a.prefix.length).map((one) => ({ host, ...one })),
  ).flat();
  const { host, port } = deployment.outbound;
  return [
    section('frontend waybill-outbound', [
      `bind ${host}:${port}`,
      STRIP_HEADERS,
      ...verifyRules(tokens),
      ...destinations.map(
        (destination) =>
          `http-request set-var(txn.callee) str(${destination.callee.name}) if ${when('!var(txn.callee) -m found', ...hostConditions(destination))}`,
      ),
      ...callees.flatMap(({ name }) => [
        `${payload('child', `embedded.${name}`)} if ${when(`var(txn.callee) -m str ${quoted(name)}`)}`,
      ]),
      // Neither a host that is no callee nor a token without a child for it: the service's own token never leaves.
      `http-request deny deny_status 403 unless ${when(`var(txn.child) -m reg ${wholeExpression(COMPACT)}`)}`,
      'http-request set-header authorization "Bearer %[var(txn.child)]"',
      'http-request set-uri %[pathq]',
      ...callees.map(
        ({ name }) =>
          `use_backend waybill-callee-${name} if ${when(`var(txn.callee) -m str ${quoted(name)}`)}`,
      ),
    ]),
    ...callees.map((callee) =>
      section(`backend waybill-callee-${callee.name}`, [
        serverLine(callee, services.get(callee.name), deployment),
      ]),
    ),
  ];
}

function hostConditions({ host, prefix }: Destination & { readonly host: string }): string[] {
  const below = `path -m reg ${quoted(`^${escapeExpression(prefix)}(/|$)`)}`;
  return [`req.hdr(host) -m str -i ${quoted(host)}`, ...(prefix === '' ? [] : [below])];
}

/** A callee that checks its callers is asked with a certificate; another as its audience says. */
function serverLine(
  callee: OutboundCallee,
  service: ServiceModel | undefined,
  { addresses, tls, systemAuthorities }: HaproxyDeployment,
): string {
  const address = addressOf(callee, addresses);
  if (!address) throw new TypeError(`${callee.name} has no address`);
  const host = callee.authority?.replace(/:\d+$/, '') ?? address.host;
  const server = `server callee ${address.host}:${address.port}`;
  const named = `verify required verifyhost ${quoted(host)} sni str(${host})`;
  if (service?.caller === 'mtls')
    return `${server} ssl crt ${quoted(tls.certificate)} ca-file ${quoted(tls.authorities)} ${named}`;
  return /^https:/i.test(callee.audience ?? '')
    ? `${server} ssl ca-file ${quoted(systemAuthorities)} ${named}`
    : server;
}
