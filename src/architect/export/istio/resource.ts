/** A Kubernetes object, and how several are written into one file. */
import { dump } from 'js-yaml';

export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: object;
}

export function yamlOf(resource: Resource): string {
  return dump(resource, { lineWidth: -1, noRefs: true });
}
