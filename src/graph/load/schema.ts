/**
 * Compares the shape of a file with its schema in `schemas/`. In: a file's tree with its texts filled in. Out:
 * findings at the key or value that is wrong; meaning is judged elsewhere.
 */
import { readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { getOrAdd } from '../../get-or-add.ts';
import { causeOfParties } from '../causes.ts';
import type { Findings, Place } from '../finding.ts';
import { pointerTo } from '../misread.ts';
import { didYouMean, looksLikePattern, nearest } from '../names.ts';
import { overlaySchema, type SchemaDocument } from './overlays/schema.ts';
import type { MapNode, Node } from './yaml.ts';

const SCHEMAS = {
  graph: new URL('../../../schemas/graph.schema.json', import.meta.url),
  tests: new URL('../../../schemas/tests.schema.json', import.meta.url),
};
const SECRET_KEYS = /^(client_)?secret$|^password$|^passwd$/;

interface SubSchema {
  readonly pattern?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SubSchema>>;
  readonly examples?: readonly unknown[];
}

/** An overlay has a schema of its own, made from that of a graph. */
type FileKind = keyof typeof SCHEMAS | 'overlay';

const compiled = new Map<FileKind, ValidateFunction>();
/** How names are written that other parts of a graph declare. */
const referencePatterns = new Set<string>();

function readSchema(kind: keyof typeof SCHEMAS): SchemaDocument {
  return JSON.parse(readFileSync(SCHEMAS[kind], 'utf8')) as SchemaDocument;
}

function validator(kind: FileKind): ValidateFunction {
  return getOrAdd(compiled, kind, () => {
    const { $defs, ...schema } = kind === 'overlay' ? overlaySchema(readSchema('graph')) : readSchema(kind);
    // Every start waits for this. The schema is ours, and what it promises is for tests.
    const quick = { validateSchema: false, code: { optimize: false } };
    const ajv = new Ajv2020({ allErrors: true, verbose: true, allowUnionTypes: true, ...quick });
    const named: readonly (SubSchema | undefined)[] = [$defs.name, $defs.claimUse];
    for (const { pattern } of named.flatMap((each) => each ?? []))
      if (pattern !== undefined) referencePatterns.add(pattern);
    return ajv.compile(inlined(schema, $defs) as object);
  });
}

/**
 * The schema with every `$ref` replaced by what it names, and no reference leads back to itself. For each reference
 * that it follows the validator copies all errors found so far: a million wrong values would take hours.
 */
function inlined(schema: unknown, defs: SchemaDocument['$defs']): unknown {
  if (Array.isArray(schema)) return schema.map((item) => inlined(item, defs));
  if (typeof schema !== 'object' || schema === null) return schema;
  const { $ref, ...own } = schema as { $ref?: string };
  const target = $ref === undefined ? {} : inlined(defs[$ref.slice('#/$defs/'.length)], defs);
  const here = Object.entries(own).map(([key, value]) => [
    key,
    key === 'examples' ? value : inlined(value, defs),
  ]);
  return { ...(target as object), ...Object.fromEntries(here) };
}

/**
 * @param kind of the file. Default: a file of a graph.
 * @param isPart whether keys may be missing, since an overlay gives them. Default: no.
 */
export function checkShape(
  root: MapNode,
  findings: Findings,
  { kind = 'graph', isPart = false }: { readonly kind?: FileKind; readonly isPart?: boolean } = {},
): void {
  const validate = validator(kind);
  if (validate(toValue(root))) return;
  for (const error of validate.errors ?? []) {
    if (isPart && error.keyword === 'required') continue;
    report(error, root, findings);
    if (findings.isFull) break;
  }
}

/** The plain value of a tree, without the author's own `x-` keys. What aliases share stays shared. */
export function toValue(node: Node, done = new Map<Node, unknown>()): unknown {
  if (node.kind === 'scalar') return node.value;
  const known = done.get(node);
  if (known !== undefined) return known;
  const value = node.kind === 'list' ? node.items.map((item) => toValue(item, done)) : toObject(node, done);
  done.set(node, value);
  return value;
}

/** Made without a prototype, so that `__proto__` is a key as any other. */
function toObject(node: MapNode, done: Map<Node, unknown>): object {
  const object = Object.create(null) as Record<string, unknown>;
  for (const [name, entry] of node.entries) {
    if (!name.startsWith('x-')) object[name] = toValue(entry.value, done);
  }
  return Object.setPrototypeOf(object, Object.prototype) as object;
}

function report(error: ErrorObject, root: MapNode, findings: Findings): void {
  const path = error.instancePath.split('/').slice(1).map(unescapePointer);
  const schema = (error.parentSchema ?? {}) as SubSchema;
  const at = placeAt(root, path);
  const where = path.length === 0 ? 'the file' : path.join('.');
  if (isUnknownName(error, schema)) return;
  markMisread(error, schema, findings);
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = (error.params as { additionalProperty: string }).additionalProperty;
      return unknownKey(key, placeAt(root, [...path, key], true), schema, where, error.schemaPath, findings);
    }
    case 'required': {
      const key = (error.params as { missingProperty: string }).missingProperty;
      const hint = example(key, schema.properties?.[key]);
      if (isMistyped(key, at, schema)) findings.leaveOut('missing-key');
      else {
        const words = (names: string) => `${names} lack the key \`${key}\`.`;
        const cause = causeOfParties(`${error.schemaPath} ${key}`, where, words);
        findings.add('missing-key', at, `${where} lacks the key \`${key}\`.`, hint, [], cause);
      }
      return;
    }
    case 'propertyNames':
      return; // the name's own error follows or went before
    case 'type': {
      const words = (names: string) => `${names} must be ${kinds(error.params.type)}.`;
      const cause = causeOfParties(error.schemaPath, where, words);
      findings.add('wrong-type', at, words(where), about(schema), [], cause);
      return;
    }
    case 'enum':
    case 'const':
      return notAllowed(error, at, where, findings);
    default: {
      const name = error.propertyName;
      const place = name === undefined ? at : placeAt(root, [...path, name], true);
      const isPattern = name !== undefined && looksLikePattern(name);
      const fault = isPattern ? 'cannot be a pattern' : wording(error);
      const what = name === undefined ? where : JSON.stringify(name);
      const [one, several] = name === undefined ? ['', ''] : ['The name ', 'The names '];
      const words = (names: string) => `${several}${names} ${inPlural(fault)}.`;
      const cause = causeOfParties(`${error.schemaPath} ${fault}`, what, words);
      findings.add('invalid-value', place, `${one}${what} ${fault}.`, about(schema), [], cause);
    }
  }
}

/** Whether a name is used that no declaration can have: it is unknown, which has a finding of its own. */
function isUnknownName({ propertyName, data, keyword }: ErrorObject, { pattern = '' }: SubSchema): boolean {
  if (propertyName !== undefined || data === '' || !referencePatterns.has(pattern)) return false;
  return keyword === 'pattern' || keyword === 'maxLength';
}

/** Of an unknown key, what is misread is the key that was meant: any, if none is near. */
function markMisread(error: ErrorObject, { properties = {} }: SubSchema, findings: Findings): void {
  const { additionalProperty, missingProperty } = error.params as Record<string, string | undefined>;
  const key = additionalProperty ?? missingProperty;
  const meant = key === undefined ? undefined : nearest(key, Object.keys(properties));
  const part = error.instancePath + (meant === undefined ? '' : pointerTo(meant));
  if (!/^\/(name|accepted)(\/|$)/.test(part)) findings.markMisread(part); // nothing depends on these
}

/** For several: `are empty`, `have more than 9 items`. */
function inPlural(fault: string): string {
  return fault
    .replace(/^is /, 'are ')
    .replace(/^has /, 'have ')
    .replace(/^names /, 'name ')
    .replace(/a pattern$/, 'patterns');
}

/** Whether an unknown key, which has a finding of its own, is the missing one with a typo. */
function isMistyped(key: string, at: Place, { properties = {} }: SubSchema): boolean {
  const known = Object.keys(properties);
  const { entries } = at as MapNode;
  return [...entries.keys()].some(
    (name) => !name.startsWith('x-') && !known.includes(name) && nearest(name, known) === key,
  );
}

/** In words for people. The value itself is not repeated: it may be a secret at the wrong place. */
function wording({ keyword, params, message }: ErrorObject): string {
  const { limit, i, j } = params as { limit?: number; i?: number; j?: number };
  switch (keyword) {
    case 'pattern':
      return 'is not written as it must be';
    case 'uniqueItems':
      return `names the same twice (items ${(j ?? 0) + 1} and ${(i ?? 0) + 1})`;
    case 'minLength':
    case 'minItems':
    case 'minProperties':
      return limit === 1 ? 'is empty' : `has fewer than ${limit}`;
    case 'maxLength':
      return `is longer than ${limit} characters`;
    case 'maxItems':
      return `has more than ${limit} items`;
    case 'minimum':
      return `is less than ${limit}`;
    case 'maximum':
      return `is more than ${limit}`;
    default:
      return message ?? 'is not allowed';
  }
}

function unknownKey(
  key: string,
  at: Place,
  schema: SubSchema,
  where: string,
  rule: string,
  findings: Findings,
): void {
  const known = Object.keys(schema.properties ?? {});
  if (SECRET_KEYS.test(key)) {
    findings.add(
      'secret-in-graph',
      at,
      `A secret stands in the graph (${where}.${key}).`,
      'Take it out and change it; name where it is with `secret_env` or `secret_file`.',
    );
    return;
  }
  const hint = () =>
    didYouMean(key, known) || `Known here: ${known.join(', ')}. A key of your own begins with x-.`;
  const cause = causeOfParties(`${rule} ${key}`, where, (names) => `${names} have no key \`${key}\`.`);
  findings.add('unknown-key', at, `${where} has no key \`${key}\`.`, hint, [], cause);
}

function notAllowed(error: ErrorObject, at: Place, where: string, findings: Findings): void {
  const params = error.params as { allowedValues?: readonly unknown[]; allowedValue?: unknown };
  const allowed = (params.allowedValues ?? [params.allowedValue]).map((value) => String(value));
  const value = typeof error.data === 'object' ? 'this value' : JSON.stringify(error.data);
  const hint = () => didYouMean(String(error.data), allowed) || `One of: ${allowed.join(', ')}.`;
  const words = (names: string) => `${names} cannot be ${value}.`;
  const cause = causeOfParties(`${error.schemaPath} ${value}`, where, words);
  findings.add('invalid-value', at, words(where), hint, [], cause);
}

function kinds(type: unknown): string {
  const names: Record<string, string> = {
    object: 'a mapping',
    array: 'a list',
    string: 'text',
    integer: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
    null: 'empty',
  };
  return [type]
    .flat()
    .map((name) => names[String(name)] ?? String(name))
    .join(' or ');
}

function about(schema: SubSchema): string {
  const sample = schema.examples?.[0];
  return [schema.description, sample === undefined ? undefined : `For example: ${JSON.stringify(sample)}.`]
    .filter((part) => part !== undefined)
    .join(' ');
}

function example(key: string, schema: SubSchema | undefined): string {
  const sample = schema?.examples?.[0];
  return sample === undefined ? `Add \`${key}\`.` : `Add \`${key}: ${JSON.stringify(sample)}\`.`;
}

function unescapePointer(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** The place of the value at a path, or of its key. */
function placeAt(root: Node, path: readonly string[], ofKey = false): Place {
  let node: Node = root;
  let key: Place = root;
  for (const part of path) {
    if (node.kind === 'map') {
      const entry = node.entries.get(part);
      if (!entry) break;
      [key, node] = [entry.key, entry.value];
    } else if (node.kind === 'list') {
      const item: Node | undefined = node.items[Number(part)];
      if (!item) break;
      key = node = item;
    }
  }
  return ofKey ? key : node;
}
