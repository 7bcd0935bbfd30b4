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
import { escapeExpression, quoted, section, when, wholeExpression } from './text.ts';
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
  { inbound, application, tls }: HaproxyDeployment,
): readonly string[] {
  const isTls = /^https:/i.test(service.audience);
  const bind = `bind ${inbound.host}:${inbound.port}${isTls ? ` ssl crt ${quoted(tls.certificate)} alpn h2,http/1.1` : ''}`;
  return [
    section('frontend waybill-inbound', [
      bind,
      STRIP_HEADERS,
      ...PATHS,
      ...verifyRules(tokens),
      ...tellService(),
      payload('client', 'client_id'),
      ...service.inbound.flatMap((rule) => allowRules(rule, service)),
      'http-request deny deny_status 403',
      `default_backend ${APPLICATION}`,
    ]),
    section(`backend ${APPLICATION}`, [`server application ${application.host}:${application.port}`]),
  ];
}

/** HAProxy compares a path as it was sent, so one that a server resolves to another is refused. */
const PATHS = [
  ...AMBIGUOUS_PATHS.map(
    (path) => `http-request deny deny_status 400 if ${when(`path -m reg ${wholeExpression(path)}`)}`,
  ),
  `http-request deny deny_status 400 unless ${when('path -m beg /')}`,
];

function tellService(): string[] {
  return tokenHeaders.flatMap(({ header, claim }) => {
    const variable = header.slice('x-waybill-'.length);
    const read = `var(txn.${variable})`;
    return [
      payload(variable, claim.join('.')),
      // A line end in a value would begin another header.
      `http-request deny deny_status 403 if ${when(`${read} -m reg ${quoted('[\\x00-\\x1f\\x7f]')}`)}`,
      `http-request set-header ${header} %[${read}] if ${when(`${read} -m found`)}`,
    ];
  });
}

/** HAProxy does not see the URI in a certificate, so nobody may present a token where the caller is checked. */
function allowRules({ scope, callers, operations }: InboundRule, { caller }: ServiceModel): string[] {
  if (caller === 'mtls') return [];
  return callers.flatMap((presenter) =>
    operations.map((operation) => {
      const conditions = [
        `var(txn.scope) -m reg ${quoted(`(^| )${escapeExpression(scope)}( |$)`)}`,
        ...callerConditions(presenter),
        ...operationConditions(operation),
      ];
      return `http-request allow if ${when(...conditions)}`;
    }),
  );
}

function callerConditions(caller: InboundCaller): string[] {
  if (caller.kind === 'service') return [`var(txn.act) -m str ${quoted(caller.identity)}`];
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
