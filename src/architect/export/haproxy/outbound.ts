/** HAProxy behind a service: sends its calls on with the callee's token in place of its own. */
import {
  addressOf,
  calleeForOtherPaths,
  destinationsByHost,
  type Destination,
} from '../envoy/callee-hosts.ts';
import type { OutboundCallee, ServiceModel } from '../service-model.ts';
import { NO_CALLEE, logLines, reportLines, type ReportedMember } from './report.ts';
import { always, outcome, refusal, ruleLines, type Rule } from './rules.ts';
import { escapeExpression, quoted, section, when, wholeExpression } from './text.ts';
import {
  COMPACT,
  STRIP_HEADERS,
  payload,
  verifyRules,
  type HaproxyDeployment,
  type VerifiedTokens,
} from './verify.ts';

/** In report mode calls go out without a token where HAProxy cannot find it. */
export function isRouted(callee: OutboundCallee, { addresses, mode }: HaproxyDeployment): boolean {
  return (mode === 'report' || hasReadableChild(callee)) && addressOf(callee, addresses) !== undefined;
}

/** A child whose name has a dot cannot be named in a query. */
export function hasReadableChild({ mode, name }: OutboundCallee): boolean {
  return mode === 'embed' && !name.includes('.');
}

export function outboundSections(
  service: ServiceModel,
  services: ReadonlyMap<string, ServiceModel>,
  tokens: VerifiedTokens,
  deployment: HaproxyDeployment,
): readonly string[] {
  const callees = service.outbound.filter((callee) => isRouted(callee, deployment));
  const hosts = destinationsByHost(callees, deployment.addresses);
  const destinations = Array.from(hosts, ([host, below]) =>
    [...below].sort((a, b) => b.prefix.length - a.prefix.length).map((one) => ({ host, ...one })),
  ).flat();
  const { mode, outbound } = deployment;
  const rules: readonly Rule[] = [
    ...verifyRules(tokens),
    ...destinations.map((destination) =>
      always(
        `set-var(txn.callee) str(${destination.callee.name})`,
        '!var(txn.callee) -m found',
        ...hostConditions(destination),
      ),
    ),
    ...(mode === 'report' ? otherPaths(hosts, deployment) : []),
    ...callees
      .filter(hasReadableChild)
      .map(({ name }) =>
        payload('child', `embedded.${name}`, { conditions: [`var(txn.callee) -m str ${quoted(name)}`] }),
      ),
    // Neither a host that is no callee nor a token without a child for it: the service's own token never leaves.
    refusal(403, 'child_missing', { unless: `var(txn.child) -m reg ${wholeExpression(COMPACT)}` }),
    ...(mode === 'report' ? [always('del-header authorization')] : []),
    outcome('set-header authorization "Bearer %[var(txn.child)]"'),
  ];
  return [
    section('frontend waybill-outbound', [
      `bind ${outbound.host}:${outbound.port}`,
      ...(mode === 'report' ? logLines('call', service) : []),
      STRIP_HEADERS,
      ...ruleLines(rules, mode),
      ...(mode === 'report' ? [...reportLines(CALL_MEMBERS), ...REFUSE_OTHERS] : []),
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

const CALL_MEMBERS: readonly ReportedMember[] = [['callee', 'req.hdr(host)', 256]];

/** Refused in report mode, too. */
const REFUSE_OTHERS = [
  `http-request set-var(txn.decision) str(refused) if ${when(NO_CALLEE)}`,
  `http-request deny deny_status 403 if ${when(NO_CALLEE)}`,
];

function hostConditions({ host, prefix }: Destination & { readonly host: string }): string[] {
  const below = `path -m reg ${quoted(`^${escapeExpression(prefix)}(/|$)`)}`;
  return [`req.hdr(host) -m str -i ${quoted(host)}`, ...(prefix === '' ? [] : [below])];
}

/** Refused before a token is looked for, so that they go out without one. */
function otherPaths(
  hosts: ReadonlyMap<string, readonly Destination[]>,
  { addresses }: HaproxyDeployment,
): Rule[] {
  return Array.from(hosts, ([host, destinations]) => ({
    host,
    callee: calleeForOtherPaths(destinations, addresses),
  })).flatMap(({ host, callee }): Rule[] => {
    if (!callee) return [];
    const conditions = [NO_CALLEE, ...hostConditions({ host, callee, prefix: '' })];
    return [
      refusal(403, 'child_missing', { if: conditions }),
      always(`set-var(txn.callee) str(${callee.name})`, ...conditions),
    ];
  });
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
