/** The exported resources as istiod reads them, as far as the translation understands them: everything else is refused. */
import { loadAll } from 'js-yaml';

export type Json = Readonly<Record<string, unknown>>;

export interface Resource {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: Json;
}

export interface Workload {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

const KINDS = [
  'AuthorizationPolicy',
  'EnvoyFilter',
  'PeerAuthentication',
  'RequestAuthentication',
  'Sidecar',
];

export function readResources(yaml: string): readonly Resource[] {
  const resources = loadAll(yaml) as Resource[];
  for (const { kind } of resources) if (!KINDS.includes(kind)) throw new Error(`unknown kind ${kind}`);
  return resources;
}

/** Those of the workload's namespace that select it, those of the whole namespace first. */
export function ofWorkload(resources: readonly Resource[], kind: string, workload: Workload): Resource[] {
  const inNamespace = resources.filter(
    (one) => one.kind === kind && one.metadata.namespace === workload.namespace,
  );
  const selected = (one: Resource) => selectorOf(one) !== undefined;
  return [
    ...inNamespace.filter((one) => !selected(one)),
    ...inNamespace.filter((one) => selected(one) && matches(selectorOf(one)!, workload)),
  ];
}

function selectorOf({ spec }: Resource): Readonly<Record<string, string>> | undefined {
  const { selector, workloadSelector } = spec as {
    selector?: { matchLabels: Record<string, string> };
    workloadSelector?: { labels: Record<string, string> };
  };
  return selector?.matchLabels ?? workloadSelector?.labels;
}

function matches(labels: Readonly<Record<string, string>>, workload: Workload): boolean {
  return Object.entries(labels).every(([key, value]) => workload.labels[key] === value);
}

/** Members beyond the known ones would be lost in silence. */
export function only<Members extends object>(value: unknown, known: readonly (keyof Members & string)[]) {
  const unknown = Object.keys(value as object).filter((key) => !(known as readonly string[]).includes(key));
  if (unknown.length > 0) throw new Error(`not translated: ${unknown.join(', ')}`);
  return value as Partial<Members>;
}
