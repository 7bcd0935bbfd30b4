/** Attributes of a resource, of OpenTelemetry, that name a service. */
import type { ServiceNames } from '../service-names.ts';

/** The namespace, the best first; for Kubernetes the conventions derive one from the other. */
const NAMESPACES = ['service.namespace', 'k8s.namespace.name'] as const;

export function isResourceAttribute(key: string): boolean {
  return key === 'service.name' || NAMESPACES.some((name) => name === key);
}

/**
 * @param attributes those of `isResourceAttribute`.
 * @param none what a service without a namespace has: see `ServiceNames.key`.
 * @returns the key of the service.
 */
export function resourceKey(
  names: ServiceNames,
  name: string,
  attributes: ReadonlyMap<string, string>,
  none: '' | undefined,
): string {
  const namespace = NAMESPACES.map((key) => attributes.get(key)).find(
    (value) => value !== undefined && value !== '',
  );
  return names.key(name, namespace ?? none);
}
