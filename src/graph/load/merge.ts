/**
 * From the trees of several files to one document. In: filled-in trees, in the order of their paths. Out: one map
 * for each section, in the order of declaration.
 */
import type { Findings } from '../finding.ts';
import { pointerTo } from '../misread.ts';
import type { MapEntry, MapNode, Node } from './yaml.ts';

/** Sections that every file may add to. */
const SHARED = ['subjects', 'zones', 'claims', 'conditions', 'clients', 'services'] as const;
/** Settings that stand in one file only. */
const SINGLE = ['name', 'issuer', 'vars', 'defaults', 'owners'] as const;
/** These name parties, and share one namespace. */
const PARTIES: readonly string[] = ['subjects', 'clients', 'services'];

export type Section = (typeof SHARED)[number];
export type Setting = (typeof SINGLE)[number];

export interface GraphDocument {
  readonly sections: Readonly<Record<Section, ReadonlyMap<string, MapEntry>>>;
  readonly settings: Partial<Readonly<Record<Setting, Node>>>;
  /** What stands under `accepted`, of all files. */
  readonly accepted: readonly Node[];
  /** Where to point for what is missing. */
  readonly start: MapNode;
}

export function mergeFiles(roots: readonly [MapNode, ...MapNode[]], findings: Findings): GraphDocument {
  const sections = Object.fromEntries(SHARED.map((name) => [name, new Map<string, MapEntry>()])) as Record<
    Section,
    Map<string, MapEntry>
  >;
  const settings: Partial<Record<Setting, Node>> = {};
  const settingKeys = new Map<string, MapEntry>();
  const parties = new Map<string, MapEntry>();
  for (const root of roots) {
    for (const name of SINGLE) {
      const entry = root.entries.get(name);
      if (!entry) continue;
      if (declareOnce('duplicate-setting', name, entry, settingKeys, findings)) settings[name] = entry.value;
      else findings.markMisread(pointerTo(name));
    }
    for (const name of SHARED) {
      const section = root.entries.get(name)?.value;
      if (section?.kind !== 'map') continue;
      for (const [key, entry] of section.entries) {
        if (key.startsWith('x-')) continue;
        const names = PARTIES.includes(name) ? parties : sections[name];
        if (declareOnce('duplicate-name', key, entry, names, findings)) sections[name].set(key, entry);
        else findings.markMisread(pointerTo(name, key));
      }
    }
  }
  const accepted = roots.flatMap((root) => {
    const list = root.entries.get('accepted')?.value;
    return list?.kind === 'list' ? list.items : [];
  });
  return { sections, settings, accepted, start: roots[0] };
}

function declareOnce(
  code: 'duplicate-name' | 'duplicate-setting',
  name: string,
  entry: MapEntry,
  declared: Map<string, MapEntry>,
  findings: Findings,
): boolean {
  const earlier = declared.get(name);
  if (!earlier) {
    declared.set(name, entry);
    return true;
  }
  const { line, column } = earlier.key.source.locate(earlier.key.offset);
  const hint =
    code === 'duplicate-name'
      ? 'Clients, services and subjects share one namespace: rename one, or merge the two.'
      : 'Keep it in one file of the graph.';
  findings.add(
    code,
    entry.key,
    `${name} is declared twice; first at ${earlier.key.source.file}:${line}:${column}.`,
    hint,
  );
  return false;
}
