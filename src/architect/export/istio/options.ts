/** How an Istio mesh names what the graph names otherwise: namespaces, labels, principals, hosts. */
import { usageError } from '../../../errors.ts';
import type { ServicePlan } from '../../../graph/index.ts';
import type { Notes } from '../notes.ts';
import type { ExportMode } from '../report/mode.ts';

export interface IstioOptions {
  /** Namespace of every service. Default: its `namespace`, else the one in its identity, else `default`. */
  readonly namespace?: string;
  /** The label that selects the pods, `key` or `key=value`; `{name}` is the workload. Default: `app={name}`. */
  readonly label?: string;
  /** The principal of a service, without `spiffe://`; `{name}` and `{namespace}` are its own. Default: its `identity`. */
  readonly principal?: string;
  /** The host of a service in the mesh. Default: `{name}.{namespace}.svc.cluster.local`. */
  readonly host?: string;
  /** Principals of the gateways that clients come through. Without any, a service with `caller: mtls` takes no client's token. */
  readonly gateways?: readonly string[];
  /** Where istiod and the proxies fetch the issuer's keys. Default: `/jwks` at the issuer's URL. */
  readonly jwksUri?: string;
  /** `report`: requests pass, and proxies write a line for each that they would have refused. Default: `enforce`. */
  readonly mode?: ExportMode;
}

/** A service as Kubernetes and Istio name it. */
export interface Workload {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly host: string;
  /** Undefined if its identity is no SPIFFE ID. */
  /** Without `spiffe://`; none where its identity is no SPIFFE ID. */
  readonly principals: readonly string[];
}

/** What the resources of all services have in common. */
export interface IstioContext {
  readonly issuer: string;
  readonly jwksUri: string;
  /** Bytes of the largest token that a service may receive. */
  readonly tokenBytes: number;
  readonly gateways: readonly string[];
  /** By the name of the service in the graph. */
  readonly workloads: ReadonlyMap<string, Workload>;
  readonly notes: Notes;
  readonly mode: ExportMode;
}

const SPIFFE = 'spiffe://';
const STOCK_IDENTITY = /^spiffe:\/\/[^/]+\/ns\/([^/]+)\/sa\/[^/]+$/;
/** RFC 1123, as Kubernetes asks of the names of objects. */
const OBJECT_NAME = /^(?=.{1,232}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL_VALUE = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** @throws WaybillError `usage` if a service's name is not a legal name in Kubernetes. */
export function workloadOf(service: ServicePlan, options: IstioOptions): Workload {
  const namespace =
    options.namespace ?? service.namespace ?? STOCK_IDENTITY.exec(service.identity)?.[1] ?? 'default';
  const name = workloadName(service);
  if (!OBJECT_NAME.test(name))
    throw usageError(
      `The service ${service.name} cannot name a Kubernetes object: use lower-case letters, digits, dots and dashes. Rename the service.`,
    );
  const fill = (template: string): string =>
    template.replaceAll('{name}', name).replaceAll('{namespace}', namespace);
  const [key = '', value = '{name}'] = (options.label ?? 'app').split('=', 2);
  const label = fill(value);
  if (!LABEL_VALUE.test(label))
    throw usageError(
      `The service ${service.name} cannot be selected by the label ${key}=${label}: a value has at most 63 letters, digits, dots, dashes and underscores. Set --label.`,
    );
  return {
    name,
    namespace,
    labels: { [key]: label },
    host: fill(options.host ?? '{name}.{namespace}.svc.cluster.local'),
    principals: options.principal === undefined ? principalsOf(service) : [fill(options.principal)],
  };
}

/** Names in a graph are unique, those of workloads only in their namespace: `api.shop` in `shop` is `api`. */
function workloadName({ name, namespace }: ServicePlan): string {
  const suffix = `.${namespace}`;
  return namespace !== undefined && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
}

function principalsOf({ identities }: ServicePlan): readonly string[] {
  return identities.flatMap((identity) =>
    identity.startsWith(SPIFFE) ? [identity.slice(SPIFFE.length)] : [],
  );
}
