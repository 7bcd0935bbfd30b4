/**
 * AuthorizationPolicies of Istio: one for each service, that opens to each caller the operations of the scopes which it
 * is given, and one that closes everything else. What the graph does not say in a form that Istio knows is not opened.
 */
import { dump } from 'js-yaml';
import { WaybillError } from '../../errors.ts';
import type { Plan, ScopePlan, ServicePlan } from '../../graph/index.ts';
import { accessTo, undeclaredCallees, type Access } from './access.ts';
import { istioPath } from './istio-paths.ts';
import { readOperation } from './operation.ts';

export interface IstioOptions {
  /** Of every policy. Default: the one in the service's identity, else `default`. */
  readonly namespace?: string;
  /** `key` or `key=value` of the pods' label; `{name}` is the service. Default: `app={name}`. */
  readonly label?: string;
  /** The principal of a service, without `spiffe://`; `{name}` is the service. Default: its `identity`. */
  readonly principal?: string;
  /** Principals through which clients come in. None: what only clients call is opened to nobody. */
  readonly gateways?: readonly string[];
}

export interface Export {
  readonly text: string;
  /** What could not be said, and so is not opened: for people, a sentence each. */
  readonly remarks: readonly string[];
}

/** @throws WaybillError `usage` where Kubernetes can have no policy of a service's name. */
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
      `${callee} is called by ${callers.join(', ')} and not declared: where it runs in one of these namespaces, the last policies close it.`,
  );
  const closed = [...namespaces].map((namespace, at) =>
    document(at === 0 ? outside : [], { name: 'waybill-deny-by-default', namespace }, {}),
  );
  const head = `# Of the graph ${oneLine(plan.name)}, digest ${plan.digest}. Made by waybill export: change the graph, not this.\n`;
  return { text: head + [...policies, ...closed].join('---\n'), remarks: [...remarks, ...outside] };
}

function document(remarks: readonly string[], metadata: object, spec: object): string {
  const comments = remarks.map((remark) => `# ${oneLine(remark)}\n`).join('');
  const policy = { apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata, spec };
  return `${comments}${dump(policy, { lineWidth: -1, noRefs: true })}`;
}

/** A comment ends where its line does. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, ' ');
}

interface Making {
  readonly options: IstioOptions;
  /** Filled with what is not opened. */
  readonly remarks: string[];
}

/** Without rules an ALLOW policy matches nothing, and so lets nobody in. */
function specOf(service: ServicePlan, access: readonly Access[], { options, remarks }: Making): object {
  const paths = new OperationPaths(service, remarks);
  const rules = new Map<string, { readonly principals: string[]; readonly to: object[] }>();
  for (const { caller, scopes } of access) {
    const to = paths.of(scopes);
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
  const opened = [...rules.values()].filter(({ principals }) => principals.length > 0);
  return {
    selector: { matchLabels: labelOf(service, options.label ?? 'app') },
    action: 'ALLOW',
    ...(opened.length === 0
      ? {}
      : { rules: opened.map(({ principals, to }) => ({ from: [{ source: { principals } }], to })) }),
  };
}

/** The operations of a service's scopes, each looked at once. */
class OperationPaths {
  readonly #service: ServicePlan;
  readonly #remarks: string[];
  readonly #known = new Map<ScopePlan, readonly { readonly method: string; readonly path: string }[]>();

  constructor(service: ServicePlan, remarks: string[]) {
    this.#service = service;
    this.#remarks = remarks;
  }

  /** As Istio has them: paths by method. */
  of(scopes: readonly ScopePlan[]): object[] {
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
      this.#remarks.push(`${name} has no operations: it is opened to nobody.`);
    const read = scope.operations.flatMap((text) => {
      const operation = readOperation(text);
      const path = operation && istioPath(operation);
      if (path === undefined)
        this.#remarks.push(`${name}: Istio has no form for the operation ${text}: it is opened to nobody.`);
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
    ? `${name} calls ${what}, and its identity ${service.identity} is no SPIFFE ID: it is not let in. Say --principal.`
    : `${name} calls ${what} and is a client, which has no identity in the mesh: it is not let in. Name the gateway with --gateway.`;
}

function namespaceOf({ identity }: ServicePlan, { namespace }: IstioOptions): string {
  return namespace ?? /^spiffe:\/\/[^/]+\/ns\/([^/]+)\/sa\/[^/]+$/.exec(identity)?.[1] ?? 'default';
}

function labelOf({ name }: ServicePlan, label: string): Readonly<Record<string, string>> {
  const [key = '', value = '{name}'] = label.split('=', 2);
  return { [key]: value.replaceAll('{name}', name) };
}

/** RFC 1123, as Kubernetes asks of names of objects. */
function kubernetesName(name: string): string {
  if (/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(name)) return name;
  throw new WaybillError(
    'usage',
    `Kubernetes can have no policy named ${name}: lower-case letters, digits, dots and dashes. Rename the service.`,
  );
}
