/**
 * Applies an overlay to the files of a graph. In: filled-in trees. Out: trees in which every value has the place where it
 * stands, in an ordinary file or in the overlay; what the overlay changed; and what it restates that nothing declares.
 */
import type { Place } from '../../finding.ts';
import type { MapEntry, MapNode, Node } from '../yaml.ts';
import { DATA, FILE, FIXED, REMOVE, type Level } from './levels.ts';

/** One value that an overlay gives, adds or takes away. */
export interface Restatement {
  /** The keys that lead to it: `services`, `cart`, `caller`. */
  readonly path: readonly string[];
  /** Absent: there was none. */
  readonly old: Node | undefined;
  /** Absent: it is taken away. */
  readonly new: Node | undefined;
  /** The key in the overlay. */
  readonly at: Place;
}

/** A name in an overlay that no ordinary file declares there. */
export interface Unmatched {
  readonly path: readonly string[];
  readonly at: Place;
  /** What is declared there. */
  readonly known: ReadonlyMap<string, unknown>;
}

export interface Overlaid {
  readonly roots: readonly MapNode[];
  readonly changes: readonly Restatement[];
  readonly unmatched: readonly Unmatched[];
}

/** @param most changes to apply; those after them are left out. */
export function applyOverlays(
  roots: readonly MapNode[],
  overlays: readonly MapNode[],
  most = Infinity,
): Overlaid {
  const run = new Application(most);
  return {
    roots: overlays.reduce((changed, overlay) => run.apply(changed, overlay), roots),
    changes: run.changes,
    unmatched: run.unmatched,
  };
}

type Entries = ReadonlyMap<string, MapEntry>;

const NOTHING: Entries = new Map();

class Application {
  readonly changes: Restatement[] = [];
  readonly unmatched: Unmatched[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  apply(roots: readonly MapNode[], overlay: MapNode): readonly MapNode[] {
    return [...overlay.entries].reduce((changed, [key, restated]) => {
      if (isOwn(key) || NOT_MERGED.has(key)) return changed;
      if (key === 'accepted') return appended(changed, restated);
      const named = entryOf(FILE.named, key);
      if (named) return this.#section(changed, key, restated, named);
      const at = Math.max(
        0,
        changed.findIndex((root) => root.entries.has(key)),
      );
      return changed.map((root, index) => {
        if (index !== at) return root;
        const held = root.entries.get(key);
        return withEntry(
          root,
          key,
          this.#setting(held, restated, entryOf(FILE.settings, key) ?? DATA, [key]),
        );
      });
    }, roots);
  }

  /** A section has entries in several files. */
  #section(roots: readonly MapNode[], key: string, restated: MapEntry, level: Level): readonly MapNode[] {
    const owners = new Map<string, MapNode>();
    for (const root of roots)
      for (const name of entriesOf(root.entries.get(key)?.value).keys())
        if (!owners.has(name)) owners.set(name, root);
    const shares = new Map<MapNode | undefined, Map<string, MapEntry>>();
    for (const [name, entry] of entriesOf(restated.value)) {
      const owner = owners.get(name);
      const share = shares.get(owner) ?? new Map<string, MapEntry>();
      shares.set(owner, share.set(name, entry));
    }
    for (const [name, entry] of shares.get(undefined) ?? []) this.#refuse([key, name], entry, owners);
    return roots.map((root) => {
      const share = shares.get(root);
      const held = root.entries.get(key);
      if (!share || held?.value.kind !== 'map') return root;
      const entries = this.#names(held.value.entries, share, level, [key]);
      return entries === held.value.entries
        ? root
        : withEntry(root, key, { key: held.key, value: { ...held.value, entries } });
    });
  }

  #names(held: Entries, restated: Entries, level: Level, path: readonly string[]): Entries {
    let entries: Map<string, MapEntry> | undefined;
    for (const [name, entry] of restated) {
      if (isOwn(name)) continue;
      const before = held.get(name);
      const here = [...path, name];
      if (!before && (!level.isOpen || isRemove(entry.value))) {
        this.#refuse(here, entry, held);
        continue;
      }
      const after = this.#restated(before, entry, level, here);
      if (after === before) continue;
      entries ??= new Map(held);
      if (after) entries.set(name, after);
      else entries.delete(name);
    }
    return entries ?? held;
  }

  /** @returns undefined: there is none any more, or still none. */
  #restated(
    held: MapEntry | undefined,
    restated: MapEntry,
    level: Level,
    path: readonly string[],
  ): MapEntry | undefined {
    if (!held) return this.#replace(held, restated, path);
    return isRemove(restated.value)
      ? this.#remove(held, restated, path)
      : this.#entry(held, restated, level, path);
  }

  #entry(held: MapEntry, restated: MapEntry, level: Level, path: readonly string[]): MapEntry {
    const areLists = held.value.kind === 'list' && restated.value.kind === 'list';
    const [old, next] = areLists
      ? [held.value, restated.value]
      : [asMapping(held.value, level), asMapping(restated.value, level)];
    if (level.isWhole || next.kind !== 'map') return this.#replace(held, restated, path);
    // An entry without settings has none yet; a call in it would still be a new one.
    const base: MapNode = old.kind === 'map' ? old : { ...old, kind: 'map', entries: NOTHING };
    const value = this.#settings(base, next, level, path);
    return value === base ? held : { key: held.key, value };
  }

  #settings(held: MapNode, restated: MapNode, level: Level, path: readonly string[]): MapNode {
    let result = held;
    for (const [key, entry] of restated.entries) {
      if (isOwn(key)) continue;
      const here = [...path, key];
      const before = held.entries.get(key);
      const named = entryOf(level.named, key);
      if (named && entry.value.kind === 'map') {
        const map = before?.value.kind === 'map' ? before.value : undefined;
        const entries = this.#names(map?.entries ?? NOTHING, entry.value.entries, named, here);
        if (entries !== (map?.entries ?? NOTHING))
          result = withEntry(result, key, {
            key: before && map ? before.key : entry.key,
            value: { ...(map ?? entry.value), entries },
          });
        continue;
      }
      const after = level.whole?.has(key)
        ? this.#replace(before, entry, here)
        : this.#setting(before, entry, entryOf(level.settings, key) ?? DATA, here);
      result = withEntry(result, key, after);
    }
    return result;
  }

  #setting(
    held: MapEntry | undefined,
    restated: MapEntry,
    level: Level,
    path: readonly string[],
  ): MapEntry | undefined {
    if (held?.value.kind !== 'map' || restated.value.kind !== 'map')
      return this.#replace(held, restated, path);
    const value = this.#settings(held.value, restated.value, level, path);
    return value === held.value ? held : { key: held.key, value };
  }

  #replace<Held extends MapEntry | undefined>(
    held: Held,
    restated: MapEntry,
    path: readonly string[],
  ): MapEntry | Held {
    if (held && isSame(held.value, restated.value)) return held;
    return this.#counts({ path, old: held?.value, new: restated.value, at: restated.key }) ? restated : held;
  }

  #remove(held: MapEntry, { key: at }: MapEntry, path: readonly string[]): MapEntry | undefined {
    return this.#counts({ path, old: held.value, new: undefined, at }) ? undefined : held;
  }

  /** @returns whether the change is to be applied. */
  #counts(change: Restatement): boolean {
    this.changes.push(change);
    return this.changes.length <= this.#most;
  }

  #refuse(path: readonly string[], { key: at }: MapEntry, known: Unmatched['known']): void {
    if (!isOwn(at.value)) this.unmatched.push({ path, at, known });
  }
}

/** `vars` apply before all else, where variables are declared. */
const NOT_MERGED: ReadonlySet<string> = new Set(['waybill', 'overlay', 'vars', ...FIXED]);

/** Keys of the author. */
function isOwn(key: string): boolean {
  return key.startsWith('x-');
}

function isRemove(node: Node): boolean {
  return node.kind === 'scalar' && node.value === REMOVE;
}

function entriesOf(node: Node | undefined): Entries {
  return node?.kind === 'map' ? node.entries : NOTHING;
}

function entryOf(levels: Level['named'], key: string): Level | undefined {
  return levels && Object.hasOwn(levels, key) ? levels[key] : undefined;
}

function asMapping(node: Node, { list }: Level): Node {
  if (list === undefined || node.kind !== 'list') return node;
  const { source, offset } = node;
  const key: MapEntry['key'] = { kind: 'scalar', value: list, source, offset };
  return { kind: 'map', entries: new Map([[list, { key, value: node }]]), source, offset };
}

function withEntry(map: MapNode, key: string, entry: MapEntry | undefined): MapNode {
  if (!entry || map.entries.get(key) === entry) return map;
  return { ...map, entries: new Map(map.entries).set(key, entry) };
}

/** The list under `accepted` counts, wherever it stands. */
function appended(roots: readonly MapNode[], restated: MapEntry): readonly MapNode[] {
  const at = Math.max(
    0,
    roots.findIndex((root) => root.entries.get('accepted')?.value.kind === 'list'),
  );
  return roots.map((root, index) => {
    if (index !== at || restated.value.kind !== 'list') return root;
    const held = root.entries.get('accepted');
    if (held?.value.kind !== 'list') return held ? root : withEntry(root, 'accepted', restated);
    const value: Node = { ...held.value, items: [...held.value.items, ...restated.value.items] };
    return withEntry(root, 'accepted', { key: held.key, value });
  });
}

/** Whether two nodes mean the same. */
export function isSame(one: Node, other: Node): boolean {
  if (one === other) return true;
  if (one.kind === 'scalar') return other.kind === 'scalar' && one.value === other.value;
  if (one.kind === 'list')
    return (
      other.kind === 'list' &&
      one.items.length === other.items.length &&
      one.items.every((item, index) => isSame(item, other.items[index] ?? item))
    );
  if (other.kind !== 'map' || one.entries.size !== other.entries.size) return false;
  return [...one.entries].every(([key, { value }]) => {
    const same = other.entries.get(key);
    return same !== undefined && isSame(value, same.value);
  });
}
