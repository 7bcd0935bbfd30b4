/**
 * The schema of overlays, made from that of ordinary files: the same keys, but no key is required, since the ordinary files
 * have it; `remove` can stand in place of a declared entry; and the keys of ordinary files alone are left out.
 */
import { DATA, FILE, FIXED, REMOVE, type Level } from './levels.ts';

type Schema = Readonly<Record<string, unknown>>;

export interface SchemaDocument extends Schema {
  readonly properties: Readonly<Record<string, Schema>>;
  readonly $defs: Readonly<Record<string, Schema>>;
}

const REFERENCE = '#/$defs/';

export function overlaySchema(graph: SchemaDocument): SchemaDocument {
  const { properties, ...file } = graph;
  const restatable = Object.entries(properties).filter(([key]) => !FIXED.includes(key));
  const derived = new Derivation(graph.$defs);
  const settings = derived.relax({ ...file, properties: Object.fromEntries(restatable), $defs: {} }, FILE);
  const schema = {
    ...settings,
    $id: String(graph.$id).replace('graph', 'overlay'),
    title: 'Waybill overlay',
    description:
      'What one environment changes in a graph: `waybill check shop env/prod.yaml`. Mappings merge key by key, lists and single values replace, `remove` takes an entry away.',
    properties: {
      ...(settings.properties as Schema),
      overlay: { description: 'Says that this file is an overlay.', const: true, examples: [true] },
    },
    required: ['waybill', 'overlay'],
    examples: [
      { waybill: 1, overlay: true, services: { shop: { lifetime: '1m', scopes: { admin: REMOVE } } } },
    ],
  };
  return { ...schema, $defs: derived.definitions(schema) } as unknown as SchemaDocument;
}

class Derivation {
  readonly #original: SchemaDocument['$defs'];
  readonly #relaxed = new Map<string, Schema>();
  readonly #names = new Map<string, Level>();

  constructor(original: SchemaDocument['$defs']) {
    this.#original = original;
  }

  /** What stands in an overlay where an ordinary file has a value of this schema. */
  relax(schema: Schema, level: Level): Schema {
    if (typeof schema.$ref === 'string') return { ...schema, $ref: this.#reference(schema.$ref, level) };
    if (!('properties' in schema) && typeof schema.additionalProperties !== 'object') return schema;
    const { required: _, minProperties: __, properties, additionalProperties, ...rest } = schema;
    const relaxed: Record<string, unknown> = rest;
    if (typeof additionalProperties === 'object')
      relaxed.additionalProperties = this.relax(additionalProperties as Schema, DATA);
    else if (additionalProperties !== undefined) relaxed.additionalProperties = additionalProperties;
    if (properties)
      relaxed.properties = Object.fromEntries(
        Object.entries(properties as Record<string, Schema>).map(([key, value]) => [
          key,
          this.#property(key, value, level),
        ]),
      );
    return relaxed;
  }

  #property(key: string, schema: Schema, level: Level): Schema {
    if (level.whole?.has(key)) return schema;
    const named = level.named?.[key];
    if (named) return this.#mappingOf(schema, named);
    return this.relax(schema, level.settings?.[key] ?? DATA);
  }

  /** A mapping from names to entries. */
  #mappingOf(schema: Schema, level: Level): Schema {
    const { additionalProperties: entry, ...rest } = this.#resolved(schema) as Schema & {
      readonly additionalProperties?: Schema;
    };
    if (!entry) return schema; // any value, `remove` too
    const resolved = this.#resolved(entry);
    const relaxed = level.isWhole ? resolved : this.relax(resolved, level);
    return { ...rest, additionalProperties: removable(relaxed) };
  }

  #resolved(schema: Schema): Schema {
    if (typeof schema.$ref !== 'string') return schema;
    const { $ref, ...own } = schema;
    return { ...this.#original[$ref.slice(REFERENCE.length)], ...own };
  }

  /** The relaxed one beside the original, which lists still need. */
  #reference(ref: string, level: Level): string {
    const name = ref.slice(REFERENCE.length);
    const original = this.#original[name] ?? {};
    const relaxed = `restated${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    if (!this.#names.has(relaxed)) {
      this.#names.set(relaxed, level);
      const changed = this.relax(original, level);
      if (JSON.stringify(changed) === JSON.stringify(original)) return ref;
      this.#relaxed.set(relaxed, changed);
    }
    return this.#relaxed.has(relaxed) ? REFERENCE + relaxed : ref;
  }

  /** Those that the schema refers to, and those that they refer to. */
  definitions(schema: Schema): Schema {
    const all: Readonly<Record<string, Schema>> = { ...this.#original, ...Object.fromEntries(this.#relaxed) };
    const used = new Set<string>();
    const waiting: Schema[] = [{ ...schema, $defs: {} }];
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      for (const [, name = ''] of JSON.stringify(next).matchAll(/"#\/\$defs\/(\w+)"/g)) {
        if (used.has(name) || !all[name]) continue;
        used.add(name);
        waiting.push(all[name]);
      }
    }
    return Object.fromEntries(Object.entries(all).filter(([name]) => used.has(name)));
  }
}

function removable(schema: Schema): Schema {
  const types = [schema.type].flat().filter((type) => type !== undefined);
  if (types.length === 0 || types.includes('string')) return schema;
  const described = `${schema.description as string} In an overlay \`${REMOVE}\` takes it away.`;
  return {
    ...schema,
    description: described,
    type: [...types, 'string'],
    pattern: `^${REMOVE}$`,
    maxLength: REMOVE.length,
  };
}
