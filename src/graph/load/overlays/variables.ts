/** What overlays say of variables: a plain value replaces the default, a mapping the whole declaration. */
import { defaultOf, variableDeclarations, type VariableDeclaration } from '../declared-variables.ts';
import type { MapEntry, MapNode } from '../yaml.ts';
import { isSame, type Restatement, type Unmatched } from './apply.ts';

export interface RestatedVariables {
  readonly declarations: ReadonlyMap<string, VariableDeclaration>;
  readonly changes: readonly Restatement[];
  readonly unmatched: readonly Unmatched[];
}

/**
 * @param given values from outside, which count before those of overlays.
 * @param most changes to apply; those after them are left out, but for the first value of a variable that has none.
 */
export function restateVariables(
  roots: readonly MapNode[],
  overlays: readonly MapNode[],
  given: ReadonlyMap<string, string>,
  most = Infinity,
): RestatedVariables {
  const declarations = variableDeclarations(roots);
  const changes: Restatement[] = [];
  const unmatched: Unmatched[] = [];
  for (const overlay of overlays) {
    for (const [name, { key: at, value }] of entriesOf(overlay)) {
      const path = ['vars', name];
      const held = declarations.get(name);
      if (!held) {
        if (!name.startsWith('x-')) unmatched.push({ path, at, known: declarations });
        continue;
      }
      if (value.kind === 'list') continue; // the schema says so
      const current = held.restated ?? defaultOf(held.entry);
      const old = value.kind === 'map' ? held.entry.value : current;
      if (old && isSame(old, value)) continue;
      if (!given.has(name)) changes.push({ path, old, new: value, at });
      if (changes.length > most && current) continue;
      declarations.set(
        name,
        value.kind === 'map' ? { entry: { key: at, value } } : { entry: held.entry, restated: value },
      );
    }
  }
  return { declarations, changes, unmatched };
}

function entriesOf(overlay: MapNode): ReadonlyMap<string, MapEntry> {
  const section = overlay.entries.get('vars')?.value;
  return section?.kind === 'map' ? section.entries : new Map();
}
