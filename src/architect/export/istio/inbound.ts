/** What a service accepts: whose tokens (RequestAuthentication), and who may do what with them (AuthorizationPolicy). */
import { tokenHeaders } from '../token-headers.ts';
import type { InboundCaller, InboundRule } from '../inbound.ts';
import type { Notes } from '../notes.ts';
import type { ServiceModel } from '../service-model.ts';
import type { IstioContext, Workload } from './options.ts';
import { istioOperations, type IstioOperation } from './paths.ts';
import { dryRun, type Resource } from './resource.ts';

export function requestAuthentication(
  { audiences }: ServiceModel,
  { name, namespace, labels }: Workload,
  { issuer, jwksUri }: IstioContext,
): Resource {
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'RequestAuthentication',
    metadata: { name, namespace },
    spec: {
      selector: { matchLabels: labels },
      jwtRules: [
        {
          issuer,
          audiences,
          jwksUri,
          // Otherwise a token in the query would count too, and queries are logged.
          fromHeaders: [{ name: 'authorization', prefix: 'Bearer ' }],
          // The application passes it on, and the proxy swaps it on the way out.
          forwardOriginalToken: true,
          outputClaimToHeaders: tokenHeaders.map(({ header, claim }) => ({ header, claim: claim.join('.') })),
        },
      ],
    },
  };
}

/** An ALLOW policy without rules matches nothing, and so denies every request. */
export function authorizationPolicy(
  service: ServiceModel,
  { name, namespace, labels }: Workload,
  context: IstioContext,
): Resource {
  const rules = service.inbound.flatMap((rule) => {
    const to = operationsOf(rule, service, context.notes);
    if (to.length === 0) return [];
    return rule.callers.flatMap((caller) => {
      const allowed = callerRule(caller, rule.scope, service, context);
      return allowed ? [{ ...allowed.from, to, when: allowed.when }] : [];
    });
  });
  return {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name, namespace, ...dryRun(context.mode) },
    spec: {
      selector: { matchLabels: labels },
      action: 'ALLOW',
      ...(rules.length === 0 ? {} : { rules }),
    },
  };
}

function operationsOf(
  { scope, operations }: InboundRule,
  { name }: ServiceModel,
  notes: Notes,
): readonly { readonly operation: IstioOperation }[] {
  return operations.flatMap((operation) => {
    const expressed = istioOperations(operation);
    if (expressed) return expressed.map((one) => ({ operation: one }));
    notes.about(name, {
      'operation-unsupported': `No request is allowed as \`${operation.text}\` of ${scope}: a path of Istio is a text, a text and what follows it, or has whole segments in braces. Write the operation so, or let the service check the scope itself.`,
    });
    return [];
  });
}

interface Condition {
  readonly key: string;
  readonly values?: readonly string[];
  readonly notValues?: readonly string[];
}

interface CallerRule {
  readonly from: { readonly from: readonly object[] };
  readonly when: readonly Condition[];
}

const claim = (...path: readonly string[]): string =>
  `request.auth.claims${path.map((name) => `[${name}]`).join('')}`;

/** One rule for each caller and scope: the members of a rule must all match, so lists would mix callers. */
function callerRule(
  caller: InboundCaller,
  scope: string,
  service: ServiceModel,
  context: IstioContext,
): CallerRule | undefined {
  const values = caller.kind === 'service' ? [scope, ...caller.identities] : [scope];
  const pattern = values.find((value) => /^\*|\*$/.test(value));
  if (pattern !== undefined) {
    context.notes.about(service.name, {
      'name-unsupported': `Istio reads the star in ${pattern} as any text, so no request of ${caller.name} is allowed with the scope ${scope}. Rename it.`,
    });
    return undefined;
  }
  const principals = presentersOf(caller, scope, service, context);
  if (principals === 'nobody') return undefined;
  const source = {
    ...(principals === 'anybody' ? {} : { principals }),
    requestPrincipals: [`${context.issuer}/*`],
  };
  const who =
    caller.kind === 'service'
      ? [{ key: claim('act', 'sub'), values: caller.identities }]
      : [
          { key: claim('client_id'), values: [caller.name] },
          // A child names its caller. Whoever holds one must not use it as the client's own token.
          { key: claim('act', 'sub'), notValues: ['*'] },
        ];
  const when = [
    { key: claim('scope'), values: [scope] },
    ...who,
    // Istio sees neither proof nor thumbprint, so a bound token would be good without its key.
    { key: claim('cnf', 'jkt'), notValues: ['*'] },
    { key: claim('cnf', 'x5t#S256'), notValues: ['*'] },
  ];
  return { from: { from: [{ source }] }, when };
}

/** Principals that may present a token of this caller. */
function presentersOf(
  caller: InboundCaller,
  scope: string,
  service: ServiceModel,
  { gateways, workloads, notes }: IstioContext,
): readonly string[] | 'anybody' | 'nobody' {
  const passedOn = caller.forwardedBy !== undefined;
  if (service.caller === 'none' && (caller.kind === 'service' || passedOn)) return 'anybody';
  if (caller.kind === 'client') {
    if (gateways.length > 0) return gateways;
    if (service.caller === 'none') return 'anybody';
    notes.about(service.name, {
      'no-gateway': `It checks its callers, and the client ${caller.name} has no identity in the mesh, so none of its requests is allowed. Name the gateway that clients come through with --gateway.`,
    });
    return 'nobody';
  }
  const principals = workloads.get(caller.name)?.principals ?? [];
  if (principals.length > 0) return principals;
  notes.about(service.name, {
    'identity-unsupported': `The identity ${caller.identities.join(' or ')} of ${caller.name} is no SPIFFE ID, so its calls with the scope ${scope} are denied. Set --principal.`,
  });
  return 'nobody';
}
