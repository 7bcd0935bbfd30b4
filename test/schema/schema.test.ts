import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import { load } from 'js-yaml';
import { readFileSync, readdirSync } from 'node:fs';
import { overlaySchema, type SchemaDocument } from '../../src/graph/load/overlays/schema.ts';
import { compileGraph } from '../../src/planning/compile.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

type Schema = Readonly<Record<string, unknown>>;
type Document = Schema & { readonly $id: string; readonly $defs: Readonly<Record<string, Schema>> };

/** Parts of each schema, of which the content is the author’s. */
const OPEN: Readonly<Record<string, readonly string[]>> = {
  'graph.schema.json': ['#/$defs/client/properties/claims'],
  'overlay.schema.json': ['#/properties/clients/additionalProperties/properties/claims'],
  'tests.schema.json': [],
};

/** Every subschema with its JSON pointer, the schema itself first. */
function* subschemas(node: Schema, pointer = '#'): Generator<readonly [pointer: string, node: Schema]> {
  yield [pointer, node];
  for (const key of ['properties', 'patternProperties', '$defs']) {
    for (const [name, below] of Object.entries((node[key] ?? {}) as Record<string, Schema>))
      yield* subschemas(below, `${pointer}/${key}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  }
  for (const key of ['additionalProperties', 'items', 'propertyNames']) {
    if (typeof node[key] === 'object') yield* subschemas(node[key] as Schema, `${pointer}/${key}`);
  }
}

function opened(file: string) {
  const schema = JSON.parse(read(`schemas/${file}`)) as Document;

  /** What a subschema says itself, over what it refers to. */
  function resolved(node: Schema): Schema {
    const { $ref, ...own } = node as Schema & { $ref?: string };
    return $ref === undefined ? node : { ...resolved(schema.$defs[$ref.slice('#/$defs/'.length)]!), ...own };
  }

  const all = [...subschemas(schema)];
  const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });
  ajv.addSchema(schema);
  const errorsOf = (pointer: string, value: unknown): string => {
    const validate = ajv.getSchema(`${schema.$id}${pointer === '#' ? '' : encodeURI(pointer)}`)!;
    return validate(value) ? '' : ajv.errorsText(validate.errors);
  };

  return { schema, resolved, all, ajv, errorsOf };
}

for (const [file, authors] of Object.entries(OPEN)) {
  describe(`schemas/${file}`, () => {
    const { schema, resolved, all, ajv, errorsOf } = opened(file);
    it('is a schema of draft 2020-12, with nothing that a strict reader would stumble over', () => {
      expect(schema.$schema).to.equal('https://json-schema.org/draft/2020-12/schema');
      expect(ajv.validateSchema(schema), ajv.errorsText()).to.equal(true);
      const strict = new Ajv2020({
        strict: true,
        strictTypes: true,
        strictRequired: true,
        allowUnionTypes: true,
      });
      expect(() => strict.compile(schema)).to.not.throw();
    });

    it('describes every property and every part that has a name', () => {
      const named = all.filter(([pointer]) =>
        /\/(properties|patternProperties|\$defs)\/[^/]+$/.test(pointer),
      );
      expect(named.length).to.be.above(40);
      const silent = named.filter(([, node]) => {
        const description = (resolved(node).description as string | undefined) ?? '';
        return !/\w{2}/.test(description) || !description.endsWith('.');
      });
      expect(silent.map(([pointer]) => pointer)).to.deep.equal([]);
    });

    it('gives an example for every property, and each is right', () => {
      const properties = all.filter(([pointer]) => /\/(properties|\$defs)\/[^/]+$/.test(pointer));
      const bare = properties.filter(
        ([, node]) => ((resolved(node).examples ?? []) as unknown[]).length === 0,
      );
      expect(bare.map(([pointer]) => pointer)).to.deep.equal([]);
      const wrong = all.flatMap(([pointer, node]) =>
        ((resolved(node).examples ?? []) as unknown[])
          .map((example) => `${pointer} ${errorsOf(pointer, example)}`)
          .filter((line) => !line.endsWith(' ')),
      );
      expect(wrong).to.deep.equal([]);
    });

    it('leaves no mapping open but those whose content is the author’s', () => {
      const open = all.filter(([, node]) => {
        const types = [node.type ?? []].flat();
        return types.includes('object') && node.additionalProperties === undefined;
      });
      expect(open.map(([pointer]) => pointer)).to.deep.equal(authors);
      const untyped = all.filter(([, node]) => node.properties !== undefined && node.type === undefined);
      expect(untyped.map(([pointer]) => pointer)).to.deep.equal([]);
    });

    it('bounds every text and every pattern from both ends', () => {
      const texts = all.filter(([, node]) => {
        const { type, pattern, maxLength, enum: closed } = resolved(node);
        if (pattern !== undefined && !/^\^.*\$$/.test(pattern as string)) return true;
        return type === 'string' && maxLength === undefined && closed === undefined;
      });
      expect(texts.map(([pointer]) => pointer)).to.deep.equal([]);
    });
  });
}

describe('schemas/overlay.schema.json', () => {
  it('is made from the schema of graphs: `npm run schemas` writes it', () => {
    const graph = JSON.parse(read('schemas/graph.schema.json')) as SchemaDocument;
    expect(JSON.parse(read('schemas/overlay.schema.json'))).to.deep.equal(overlaySchema(graph));
  });

  const { errorsOf: faults } = opened('overlay.schema.json');
  const overlay = (keys: object): string => faults('#', { waybill: 1, overlay: true, ...keys });

  it('requires no key that the ordinary file has, but all of what replaces as a whole', () => {
    expect(overlay({})).to.equal('');
    expect(overlay({ clients: { web: { lifetime: '5m' } }, issuer: { lifetime: '1m' } })).to.equal('');
    expect(overlay({ subjects: { login: { audience: 'app' } } })).to.equal('');
    expect(overlay({ clients: { web: { auth: { secret_env: 'X' } } } })).to.include("'method'");
    expect(faults('#', { waybill: 1 })).to.include("'overlay'");
  });

  it('takes `remove` in place of a declared entry, and nowhere else', () => {
    const gone = { pay: 'remove' };
    for (const section of ['clients', 'services', 'zones', 'claims', 'subjects'])
      expect(overlay({ [section]: gone }), section).to.equal('');
    expect(overlay({ services: { a: { scopes: { s: 'remove' }, calls: gone } } })).to.equal('');
    expect(overlay({ services: { a: { scopes: { s: { calls: gone } } } } })).to.equal('');
    expect(overlay({ clients: { a: { calls: gone } } })).to.equal('');
    for (const keys of [
      { issuer: 'remove' },
      { services: 'remove' },
      { services: { pay: 'gone' } },
      { services: { pay: { headers: 'remove' } } },
      { zones: { z: { defaults: 'remove' } } },
    ])
      expect(overlay(keys), JSON.stringify(keys)).to.not.equal('');
  });

  it('leaves out what ordinary files alone have', () => {
    expect(overlay({ name: 'x' })).to.include('additional properties');
    expect(overlay({ owners: {} })).to.include('additional properties');
  });
});

const { errorsOf } = opened('graph.schema.json');

describe('schemas/graph.schema.json', () => {
  const schemaOf = (file: string, content: object): string => {
    if (file.endsWith('.test.yaml')) return 'tests.schema.json';
    return 'overlay' in content ? 'overlay.schema.json' : 'graph.schema.json';
  };
  for (const file of readdirSync(new URL('graphs/', root), { recursive: true, encoding: 'utf8' }).sort()) {
    if (!/(?<!\.vars)\.yaml$/.test(file)) continue;
    const text = read(`graphs/${file}`);
    // A variable in place of a name, a mode or a size fits once it is filled in: systems.test.ts checks these.
    if (file.startsWith('systems/') && /(?<![^\s'"[{,])\$\{\w+\}(?![^\s'"\]},:])/.test(text)) continue;
    const content = load(text) as object;
    const schema = schemaOf(file, content);
    it(`${schema === 'graph.schema.json' ? 'takes' : 'leaves to the other schema'} graphs/${file}`, () => {
      expect(opened(schema).errorsOf('#', content)).to.equal('');
    });
  }

  it('takes a graph that uses every part of the language', () => {
    expect(errorsOf('#', load(read('test/fixtures/every-feature.yaml')))).to.equal('');
  });
});

describe('a graph that uses every part of the language', () => {
  const { findings, plan } = compileGraph([new URL('test/fixtures/every-feature.yaml', root).pathname]);
  const lines = (code: string): number[] =>
    findings
      .filter((finding) => finding.code === code)
      .flatMap((finding) => [finding, ...finding.places].map(({ line }) => line));

  it('is refused for nothing but what the excerpt does not declare', () => {
    expect(plan).to.equal(undefined);
    const errors = findings.filter(({ severity }) => severity === 'error');
    expect(errors.map(({ message }) => message)).to.deep.equal([
      'frontend has no scope refund.',
      'There is no service flags.',
      'There is no service catalog.',
      'There is no service ads.',
      'There is no service payment.',
    ]);
    expect([lines('unused-zone'), lines('unused-claim'), lines('exchange-without-auth')]).to.deep.equal([
      [26],
      [31, 32],
      [65],
    ]);
  });
});
