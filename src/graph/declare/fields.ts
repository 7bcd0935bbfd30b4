/**
 * Typed reading of a mapping's values. A value of the wrong kind reads as absent: the schema has already said so,
 * and the rules can still find what else is wrong.
 */
import type { MapEntry, MapNode, Node } from '../load/yaml.ts';
import { toValue } from '../load/schema.ts';
import type { Place } from '../finding.ts';
import type { At } from './declaration.ts';

export class Fields {
  readonly node: MapNode | undefined;

  constructor(node: Node | undefined) {
    this.node = node?.kind === 'map' ? node : undefined;
  }

  at(key: string): Node | undefined {
    return this.node?.entries.get(key)?.value;
  }

  below(key: string): Fields {
    return new Fields(this.at(key));
  }

  text(key: string): At<string> | undefined {
    return textOf(this.at(key));
  }

  number(key: string): number | undefined {
    const node = this.at(key);
    return node?.kind === 'scalar' && typeof node.value === 'number' ? node.value : undefined;
  }

  flag(key: string): boolean | undefined {
    const node = this.at(key);
    return node?.kind === 'scalar' && typeof node.value === 'boolean' ? node.value : undefined;
  }

  /** A flag with its place. */
  flagAt(key: string): At<boolean> | undefined {
    const node = this.at(key);
    return node?.kind === 'scalar' && typeof node.value === 'boolean' ? (node as At<boolean>) : undefined;
  }

  /** Bytes: 8192, '8KiB'. */
  bytes(key: string): number | undefined {
    return quantity(this.at(key), { B: 1, KiB: 1024, MiB: 1024 * 1024, kB: 1000, MB: 1_000_000 });
  }

  /** Seconds: 300, '5m'. */
  seconds(key: string): number | undefined {
    return quantity(this.at(key), { s: 1, m: 60, h: 3600 });
  }

  list(key: string): readonly Node[] {
    const node = this.at(key);
    return node?.kind === 'list' ? node.items : [];
  }

  texts(key: string): readonly At<string>[] {
    return textsOf(this.list(key));
  }

  /** The entries of a mapping that are not the author's own. */
  entries(key?: string): readonly (readonly [string, MapEntry])[] {
    const map = key === undefined ? this.node : this.below(key).node;
    if (!map) return [];
    const all = [...map.entries];
    return all.some(([name]) => name.startsWith('x-')) ? all.filter(([name]) => !name.startsWith('x-')) : all;
  }

  has(key: string): boolean {
    return this.node?.entries.has(key) ?? false;
  }

  value(key: string): unknown {
    const node = this.at(key);
    return node && toValue(node);
  }
}

export function textOf(node: Node | undefined): At<string> | undefined {
  return node?.kind === 'scalar' && typeof node.value === 'string' ? (node as At<string>) : undefined;
}

/** Those of a list that are texts: the list itself where all are, which is the rule and copies nothing. */
export function textsOf(items: readonly Node[]): readonly At<string>[] {
  const areTexts = items.every((item) => textOf(item) !== undefined);
  return areTexts ? (items as readonly At<string>[]) : items.flatMap((item) => textOf(item) ?? []);
}

function quantity(node: Node | undefined, units: Readonly<Record<string, number>>): number | undefined {
  if (node?.kind !== 'scalar') return undefined;
  if (typeof node.value === 'number') return node.value;
  const match = /^(\d+) ?([A-Za-z]*)$/.exec(String(node.value));
  if (!match) return undefined;
  const [, digits, unit = ''] = match;
  if (unit === '') return Number(digits);
  return Object.hasOwn(units, unit) ? Number(digits) * units[unit]! : undefined;
}

/** A place alone, without the value that stands there. */
export function place({ source, offset }: Place): Place {
  return { source, offset };
}

export function oneOf<Value extends string>(
  values: readonly Value[],
  text: string | undefined,
): Value | undefined {
  return values.find((value) => value === text);
}

/** Whether `none` stands in place of a mapping: it clears what a wider layer gives. */
export function isNone(node: Node | undefined): boolean {
  return textOf(node)?.value === 'none';
}
