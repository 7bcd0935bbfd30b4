/**
 * AuthorizationPolicies of Istio: one for each service, which allows each caller the operations of its scopes, and one
 * for each namespace, which denies everything else. Rules that Istio cannot express are denied and listed.
 */
import { dump } from 'js-yaml';
import { WaybillError } from '../../errors.ts';
import type { Plan, ScopePlan, ServicePlan } from '../../graph/index.ts';
import { accessTo, undeclaredCallees, type Access } from './access.ts';
import { istioPath } from './istio-paths.ts';
import { readOperation } from './operation.ts';

export interface IstioOptions {
  /** Namespace of every policy. Default: the namespace in the service's identity, else `default`. */
  readonly namespace?: string;
  /** The label that selects the pods, `key` or `key=value`; `{name}` is the service. Default: `app={name}`. */
  readonly label?: string;
  /** The principal of a service, without `spiffe://`; `{name}` is the service. Default: its `identity`. */
  readonly principal?: string;
  /** Principals of the gateways that clients come through. Without any, calls of clients are denied. */
  readonly gateways?: readonly string[];
}

export interface Export {
  readonly text: string;
  /** Rules that could not be expressed and are denied: one sentence each. */
  readonly remarks: readonly string[];
}

/** @throws WaybillError `usage` if a service's name is not a legal name in Kubernetes. */
export function istioPolicies(plan: Plan, options: IstioOptions = {}): Export {
  const remarks: string[] = [];
  const namespaces = new Set<string>();
  const policies = Array.from(accessTo(plan), ([service, access]) => {
    const own: string[] = [];
    const namespace = namespaceOf(service, options);
    namespaces.add(namespace);
    const spec = specOf(service, access, { options, remarks: own });
    remarks.push(...own);
    return document(own, { name: kubernetesName(service.name), namespace }, spec);
  });
  const outside = Array.from(
    undeclaredCallees(plan),
    ([callee, callers]) =>
      `${callee} is called by ${callers.join(', ')} but not declared. If it runs in one of these namespaces, the last policies deny every call to it.`,
  );
  const closed = [...namespaces].map((namespace, at) =>
    document(at === 0 ? outside : [], { name: 'waybill-deny-by-default', namespace }, {}),
  );
  const head = `# From the graph ${oneLine(plan.name)}, digest ${plan.digest}. Written by waybill export: change the graph, not this file.\n`;
  return { text: head + [...policies, ...closed].join('---\n'), remarks: [...remarks, ...outside] };
}

function document(remarks: readonly string[], metadata: object, spec: object): string {
  const comments = remarks.map((remark) => `# ${oneLine(remark)}\n`).join('');
  const policy = { apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata, spec };
  return `${comments}${dump(policy, { lineWidth: -1, noRefs: true })}`;
}

/** Keeps names from ending the comment. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, ' ');
}

interface Output {
  readonly options: IstioOptions;
  /** Receives the rules that are denied. */
  readonly remarks: string[];
}

/** An ALLOW policy without rules matches nothing, and so denies every request. */
function specOf(service: ServicePlan, access: readonly Access[], { options, remarks }: Output): object {
  const paths = new OperationPaths(service, remarks);
  const rules = new Map<string, { readonly principals: string[]; readonly to: object[] }>();
  for (const { caller, scopes } of access) {
    const to = paths.ofScopes(scopes);
    if (to.length === 0) continue;
    const principals = principalsOf(caller, options);
    if (principals.length === 0) remarks.push(unknownCaller(caller, service, scopes));
    const key = JSON.stringify(to);
    const rule = rules.get(key) ?? { principals: [], to };
    rules.set(key, rule);
    for (const principal of principals) {
      if (!rule.principals.includes(principal)) rule.principals.push(principal);
    }
  }
  const allowed = [...rules.values()].filter(({ principals }) => principals.length > 0);
  return {
    selector: { matchLabels: labelOf(service, options.label ?? 'app') },
    action: 'ALLOW',
    ...(allowed.length === 0
      ? {}
      : { rules: allowed.map(({ principals, to }) => ({ from: [{ source: { principals } }], to })) }),
  };
}

/** The operations of a service's scopes; each scope is converted once. */
class OperationPaths {
  readonly #service: ServicePlan;
  readonly #remarks: string[];
  readonly #known = new Map<ScopePlan, readonly { readonly method: string; readonly path: string }[]>();

  constructor(service: ServicePlan, remarks: string[]) {
    this.#service = service;
    this.#remarks = remarks;
  }

  /** The `to` of a rule: paths by method. */
  ofScopes(scopes: readonly ScopePlan[]): object[] {
    const byMethod = new Map<string, Set<string>>();
    for (const { method, path } of scopes.flatMap((scope) => this.#ofScope(scope))) {
      const paths = byMethod.get(method) ?? new Set();
      byMethod.set(method, paths.add(path));
    }
    return Array.from(byMethod, ([method, paths]) => ({
      operation: { ...(method === ANY ? {} : { methods: [method] }), paths: [...paths] },
    }));
  }

  #ofScope(scope: ScopePlan): readonly { readonly method: string; readonly path: string }[] {
    const known = this.#known.get(scope);
    if (known) return known;
    const name = `${this.#service.name}:${scope.name}`;
    if (scope.operations.length === 0)
      this.#remarks.push(`${name} has no operations, so no call to it is allowed. Add \`operations\`.`);
    const read = scope.operations.flatMap((text) => {
      const operation = readOperation(text);
      const path = operation && istioPath(operation);
      if (path === undefined)
        this.#remarks.push(
          `${name}: Istio cannot express the operation ${text}, so no call to it is allowed.`,
        );
      return path === undefined ? [] : [{ method: operation?.method ?? ANY, path }];
    });
    this.#known.set(scope, read);
    return read;
  }
}

const ANY = '*';

function principalsOf({ name, service }: Access['caller'], options: IstioOptions): readonly string[] {
  if (!service) return options.gateways ?? [];
  if (options.principal !== undefined) return [options.principal.replaceAll('{name}', name)];
  return service.identity.startsWith(SPIFFE) ? [service.identity.slice(SPIFFE.length)] : [];
}

const SPIFFE = 'spiffe://';

function unknownCaller(
  { name, service }: Access['caller'],
  callee: ServicePlan,
  scopes: readonly ScopePlan[],
): string {
  const what = `${callee.name}:${scopes.map((scope) => scope.name).join(' ')}`;
  return service
    ? `${name} calls ${what}, but its identity ${service.identity} is not a SPIFFE ID, so the call is denied. Set --principal.`
    : `${name} calls ${what}, but is a client without an identity in the mesh, so the call is denied. Name its gateway with --gateway.`;
}

function namespaceOf({ identity }: ServicePlan, { namespace }: IstioOptions): string {
  return namespace ?? /^spiffe:\/\/[^/]+\/ns\/([^/]+)\/sa\/[^/]+$/.exec(identity)?.[1] ?? 'default';
}

function labelOf({ name }: ServicePlan, label: string): Readonly<Record<string, string>> {
  const [key = '', value = '{name}'] = label.split('=', 2);
  return { [key]: value.replaceAll('{name}', name) };
}

/** Names of Kubernetes objects follow RFC 1123. */
function kubernetesName(name: string): string {
  if (/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name)) return name;
  throw new WaybillError(
    'usage',
    `The service ${name} cannot name a Kubernetes object: use lower-case letters, digits, dots and dashes. Rename the service.`,
  );
}
