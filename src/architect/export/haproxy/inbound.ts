/** HAProxy before a service: verifies tokens, and lets through what the graph allows. */
import type { InboundCaller, InboundOperation, InboundRule } from '../inbound.ts';
import {
  AMBIGUOUS_PATHS,
  answeredMethods,
  exactExpression,
  looseExpression,
  type HttpOperation,
} from '../operations/index.ts';
import type { ServiceModel } from '../service-model.ts';
import { tokenHeaders } from '../token-headers.ts';
import { logLines, reportLines, type ReportedMember } from './report.ts';
import { always, outcome, refusal, ruleLines, type Refusal, type Rule } from './rules.ts';
import { escapeExpression, quoted, section, wholeExpression } from './text.ts';
import {
  STRIP_HEADERS,
  payload,
  verifyRules,
  type HaproxyDeployment,
  type VerifiedTokens,
} from './verify.ts';

const APPLICATION = 'waybill-application';

export function inboundSections(
  service: ServiceModel,
  tokens: VerifiedTokens,
  { inbound, application, tls, mode }: HaproxyDeployment,
): readonly string[] {
  const bind = `bind ${inbound.host}:${inbound.port}${speaksTls(service) ? ` ssl crt ${quoted(tls.certificate)} alpn h2,http/1.1` : ''}`;
  const rules: readonly Rule[] = [
    ...PATHS,
    ...verifyRules(tokens),
    ...tellService(),
    payload('client', 'client_id'),
    ...service.inbound.flatMap((rule) => allowRules(rule, service)),
    ...(mode === 'report' ? service.inbound.flatMap((rule) => listedOperations(rule, service)) : []),
    notAllowed(service),
  ];
  return [
    section('frontend waybill-inbound', [
      bind,
      ...(mode === 'report' ? logLines('service', service) : []),
      STRIP_HEADERS,
      ...ruleLines(rules, mode),
      ...(mode === 'report' ? reportLines(TOKEN_MEMBERS) : []),
      `default_backend ${APPLICATION}`,
    ]),
    section(`backend ${APPLICATION}`, [`server application ${application.host}:${application.port}`]),
  ];
}

export function speaksTls({ audience }: ServiceModel): boolean {
  return /^https:/i.test(audience);
}

/** HAProxy compares a path as it was sent, so one that a server resolves to another is refused. */
const PATHS: readonly Refusal[] = [
  ...AMBIGUOUS_PATHS.map((path) =>
    refusal(400, 'path_ambiguous', { if: [`path -m reg ${wholeExpression(path)}`] }),
  ),
  refusal(400, 'path_ambiguous', { unless: 'path -m beg /' }),
];

function tellService(): Rule[] {
  return tokenHeaders.flatMap(({ header, claim }): Rule[] => {
    const variable = header.slice('x-waybill-'.length);
    const read = `var(txn.${variable})`;
    return [
      payload(variable, claim.join('.')),
      // A line end in a value would begin another header.
      refusal(403, 'token_claims', { if: [`${read} -m reg ${quoted('[\\x00-\\x1f\\x7f]')}`] }),
      outcome(`set-header ${header} %[${read}]`, `${read} -m found`),
    ];
  });
}

/** In a report, of a token that was verified. */
const TOKEN_MEMBERS: readonly ReportedMember[] = [
  ['txn', 'var(txn.txn)', 256],
  ['caller', 'var(txn.act)', 256],
  ['client', 'var(txn.client)', 256],
];

/** HAProxy does not see the URI in a certificate, so nobody may present a token where the caller is checked. */
function allowRules({ scope, callers, operations }: InboundRule, { caller }: ServiceModel): Rule[] {
  if (caller === 'mtls') return [];
  return callers.flatMap((presenter) =>
    operations.map((operation): Rule => {
      const conditions = [
        `var(txn.scope) -m reg ${quoted(`(^| )${escapeExpression(scope)}( |$)`)}`,
        ...callerConditions(presenter),
        ...operationConditions(operation),
      ];
      return { kind: 'permission', conditions };
    }),
  );
}

/** In report mode: whether some scope has the operation. */
function listedOperations({ operations }: InboundRule, { caller }: ServiceModel): Rule[] {
  if (caller === 'mtls') return [];
  return operations.map((operation) =>
    always('set-var(txn.listed) bool(1)', ...operationConditions(operation)),
  );
}

/** What no rule allowed. */
function notAllowed({ caller }: ServiceModel): Refusal {
  if (caller === 'mtls') return refusal(403, 'token_presenter', { otherwise: true });
  return {
    ...refusal(403, 'operation_unlisted', { otherwise: true }),
    cases: [['scope_insufficient', 'var(txn.listed) -m bool']],
  };
}

function callerConditions(caller: InboundCaller): string[] {
  if (caller.kind === 'service') return [`var(txn.act) -m str ${caller.identities.map(quoted).join(' ')}`];
  // A root names no caller, and is a client's.
  return ['!var(txn.act) -m found', `var(txn.client) -m str ${quoted(caller.name)}`];
}

function operationConditions(operation: InboundOperation): string[] {
  return [
    ...(operation.method === undefined ? [] : [`method ${operation.method}`]),
    `path -m reg ${wholeExpression(exactExpression(operation.path))}`,
    ...operation.except.flatMap((other) => exceptConditions(other, operation)),
  ];
}

/** A request that another scope names more exactly, by a method that this operation has too. */
function exceptConditions({ method, path }: HttpOperation, operation: InboundOperation): string[] {
  const isSame =
    method === undefined ||
    operation.method === undefined ||
    answeredMethods(method).includes(operation.method);
  return isSame ? [`!path -m reg ${wholeExpression(looseExpression(path))}`] : [];
}
