/**
 * Random edits of a random graph: an overlay that restates them gives the graph that has them. The oracle edits plain objects and
 * knows no overlay.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { dump } from 'js-yaml';
import { Findings, SourceText } from '../../../src/graph/finding.ts';
import { Layers, filesByLayer } from '../../../src/graph/load/overlays/layers.ts';
import { KnownFiles } from '../../../src/graph/load/known-files.ts';
import { parseFiles } from '../../../src/graph/load/parse-files.ts';
import { toValue } from '../../../src/graph/load/schema.ts';

type Mapping = Record<string, unknown>;

/** The edit of one key, at a path of keys: another value, or none. */
interface Edit {
  readonly path: readonly string[];
  /** Absent: the entry is taken away. */
  readonly value?: unknown;
}

/** With the prototype that the edited objects have. */
const record = <Value>(model: { [Key in keyof Value]: fc.Arbitrary<Value[Key]> }, requiredKeys?: []) =>
  fc.record(model, requiredKeys ? { requiredKeys, noNullPrototype: true } : { noNullPrototype: true });
const dictionary = <Value>(key: fc.Arbitrary<string>, value: fc.Arbitrary<Value>) =>
  fc.dictionary(key, value, { noNullPrototype: true });

const scope = fc.constantFrom('a', 'b', 'c');
const scopes = fc.uniqueArray(scope, { minLength: 1 });
const names = ['s0', 's1', 's2'];
const auth = fc.oneof(
  record({ method: fc.constant('client_secret_basic'), secret_env: fc.constantFrom('X', 'Y') }),
  record({ method: fc.constant('private_key_jwt'), jwks_file: fc.constantFrom('x', 'y') }),
);
const data = fc.oneof(
  fc.integer(),
  fc.boolean(),
  fc.constantFrom('none', 'x: y', '1.10', 'a${b', ''),
  scopes,
);
const call = fc.oneof(
  scopes,
  record({ scopes, mode: fc.constant('exchange') }),
  record({ mode: fc.constant('none'), when: record({ a: fc.constant({ tier: ['x'] }) }) }),
);
const calls = dictionary(fc.constantFrom(...names), call);
const rule = fc.option(
  record(
    { claims: fc.uniqueArray(fc.constantFrom('tier', 'plan!')), callers: scopes, lifetime: data, calls },
    [],
  ),
);
const headers = record({ profile: fc.constantFrom('envoy', 'node'), max_total: fc.integer({ min: 1 }) }, []);
const service = record(
  {
    lifetime: data,
    auth,
    headers,
    labels: dictionary(scope, scope),
    calls,
    scopes: dictionary(scope, rule),
  },
  [],
);
const graph = record({
  issuer: record({ url: fc.constant('http://127.0.0.1'), limits: dictionary(scope, data) }),
  defaults: record({ headers, auth }, []),
  zones: dictionary(scope, fc.option(record({ via: scopes, defaults: record({ auth, headers }) }, []))),
  clients: dictionary(
    fc.constantFrom('web', 'app'),
    record({ auth, calls, claims: dictionary(scope, data) }),
  ),
  services: record({ s0: service, s1: service, s2: service }),
});

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const WHOLE = ['auth', 'callers', 'when'];

/** Every place that an overlay may restate as it stands, and whether it is an entry that can be taken away. */
function* places(
  value: Mapping,
  path: readonly string[] = [],
): Generator<{ path: readonly string[]; isEntry: boolean }> {
  for (const [key, below] of Object.entries(value)) {
    const here = [...path, key];
    const parent = path.at(-1) ?? '';
    const isName = ['services', 'clients', 'zones'].includes(parent) && path.length === 1;
    const isEntry =
      isName || ['scopes', 'calls'].includes(parent) || (parent === 'claims' && path[0] === 'clients');
    if (isMapping(below) && !(WHOLE.includes(key) && !isEntry)) yield* places(below, here);
    if (path.length > 0 && (isEntry || !isMapping(below) || WHOLE.includes(key)))
      yield { path: here, isEntry };
  }
}

/** Puts a value at a path, in place. */
function put(root: Mapping, { path, value }: Edit, gone?: unknown): void {
  const at = path.slice(0, -1).reduce((map, key) => (map[key] ??= {}) as Mapping, root);
  const last = path.at(-1)!;
  if (value !== undefined) at[last] = value;
  else if (gone !== undefined) at[last] = gone;
  else delete at[last];
}

/** A list of scopes over a mapping counts as its `scopes`. */
function asMeant(edit: Edit, root: Mapping): Edit {
  const old = edit.path.reduce<unknown>((map, key) => (map as Mapping)[key], root);
  const isList = edit.path.at(-2) === 'calls' && Array.isArray(edit.value) && isMapping(old);
  return isList ? { path: [...edit.path, 'scopes'], value: edit.value } : edit;
}

function valueFor(path: readonly string[], seed: number): unknown {
  const key = path.at(-1)!;
  const { pick } = {
    pick: <Value>(arbitrary: fc.Arbitrary<Value>) => fc.sample(arbitrary, { numRuns: 1, seed })[0],
  };
  if (key === 'auth' && path.at(-2) !== 'scopes') return pick(auth);
  if (key === 'when') return { a: { tier: [seed] } };
  if (path.at(-2) === 'calls') return pick(scopes);
  return [null, [], ['z'], 'text', 7][Math.abs(seed) % 5];
}

/** One graph out of several trees, as a plain object with sorted sections. */
function resolved(files: Readonly<Record<string, string>>, paths: readonly string[]): unknown {
  const findings = new Findings();
  const sources = Object.entries(files).map(([name, text]) => new SourceText(name, text));
  const parsed = parseFiles(sources, new KnownFiles(), findings);
  const layers = new Layers(filesByLayer(parsed, paths), new Map());
  const { roots, unmatched } = layers.resolve(findings);
  expect(unmatched).to.deep.equal([]);
  const whole: Mapping = {};
  for (const root of roots)
    for (const [key, value] of Object.entries(toValue(root) as Mapping))
      whole[key] = isMapping(value) && isMapping(whole[key]) ? { ...whole[key], ...value } : value;
  delete whole['waybill'];
  return whole;
}

const fileOf = (keys: object): string => dump({ waybill: 1, ...keys }).replaceAll('a${b', 'a$${b');
/** The order of keys is part of what is issued. */
const textOf = (value: unknown): string => JSON.stringify(value);

describe('random overlays', () => {
  it('give what the same edits of the ordinary files give, whatever file each part stands in', () => {
    const seen = { edits: 0, removed: 0, graphs: 0 };
    fc.assert(
      fc.property(
        graph,
        fc.array(fc.tuple(fc.nat(), fc.boolean(), fc.integer()), { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        (base, choices, inOneOverlay) => {
          const edited = structuredClone(base) as Mapping;
          const edits: Edit[] = [];
          const overlays: Mapping[] = [{}];
          for (const [choice, removes, seed] of choices) {
            const all = [...places(edited)];
            const place = all[choice % Math.max(1, all.length)];
            if (!place) continue;
            // A second edit of the same place, above or below it, belongs to another overlay.
            const isNear = edits.some(({ path }) => path.every((key, at) => (place.path[at] ?? key) === key));
            if (isNear || !inOneOverlay) overlays.push({});
            if (isNear || !inOneOverlay) edits.length = 0;
            const edit: Edit =
              place.isEntry && removes
                ? { path: place.path }
                : { path: place.path, value: valueFor(place.path, seed) };
            put(edited, asMeant(edit, edited));
            put(overlays.at(-1)!, edit, 'remove');
            edits.push(edit);
            seen.edits++;
            if (edit.value === undefined) seen.removed++;
          }
          const { services, ...rest } = base;
          const [first, ...others] = Object.entries(services ?? {});
          const files: Record<string, string> = {
            'a.yaml': fileOf(rest),
            'b.yaml': fileOf({ services: Object.fromEntries([first!]) }),
            'c.yaml': fileOf({ services: Object.fromEntries(others) }),
          };
          overlays.forEach((keys, at) => (files[`o${at}.yaml`] = fileOf({ overlay: true, ...keys })));
          const applied = resolved(
            files,
            overlays.map((_, at) => `o${at}.yaml`),
          );
          expect(textOf(applied)).to.equal(textOf(edited));
          expect(textOf(resolved(files, []))).to.equal(textOf(base));
          seen.graphs++;
        },
      ),
      { numRuns: 400 },
    );
    expect(seen.edits).to.be.above(500);
    expect(seen.removed).to.be.above(50);
  });
});
