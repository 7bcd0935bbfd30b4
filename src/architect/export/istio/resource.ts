/** Kubernetes objects. */
import { extension } from '../envoy/typed.ts';
import type { ExportMode } from '../report/mode.ts';
import { WITHOUT_TOKEN_HEADERS } from '../token-headers.ts';
import type { Workload } from './options.ts';

export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: object;
}

/** Changes what istiod configures at the proxies of a workload, or of the whole namespace. */
export function envoyFilter(
  name: string,
  { namespace, labels }: Pick<Workload, 'namespace'> & Partial<Workload>,
  configPatches: readonly object[],
): Resource {
  return {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: { name, namespace },
    spec: { ...(labels && { workloadSelector: { labels } }), configPatches },
  };
}

export const stripHeaders = extension('waybill.strip_headers', 'headerMutation', {
  mutations: { request_mutations: WITHOUT_TOKEN_HEADERS },
});

/** A patch that puts a filter before all others. */
export function insertFirst(value: object): object {
  return {
    applyTo: 'HTTP_FILTER',
    match: { context: 'SIDECAR_INBOUND' },
    patch: { operation: 'INSERT_FIRST', value },
  };
}

/** An AuthorizationPolicy with this annotation decides, and refuses nothing. */
export function dryRun(mode: ExportMode): Pick<Resource['metadata'], 'annotations'> {
  return mode === 'enforce' ? {} : { annotations: { 'istio.io/dry-run': 'true' } };
}
