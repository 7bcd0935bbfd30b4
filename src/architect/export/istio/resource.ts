/** A Kubernetes object, and how several are written into one file. */
import { dump } from 'js-yaml';
import type { ExportMode } from '../report/mode.ts';

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

/** An AuthorizationPolicy with this annotation decides, and refuses nothing. */
export function dryRun(mode: ExportMode): Pick<Resource['metadata'], 'annotations'> {
  return mode === 'enforce' ? {} : { annotations: { 'istio.io/dry-run': 'true' } };
}

export function yamlOf(resource: Resource): string {
  return dump(resource, { lineWidth: -1, noRefs: true });
}
