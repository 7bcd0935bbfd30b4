/**
 * Adds an entry to a YAML text and leaves every other character alone. Returns the new text only if it means exactly
 * the old text plus the addition; otherwise nothing, and a person must write it.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  Document,
  YAMLMap,
  YAMLSeq,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
  visit,
  type Node,
} from 'yaml';
import { renderEntry, put } from '../draft/yaml.ts';
import type { Addition } from './additions.ts';

export function applyAddition(text: string, addition: Addition): string | undefined {
  const document = parseDocument(text);
  if (document.errors.length > 0) return undefined;
  const wanted = expected(document, addition);
  const edited = insert(text, document, addition);
  if (wanted === undefined || edited === undefined) return undefined;
  const after = parseDocument(edited);
  return after.errors.length === 0 && isDeepStrictEqual(after.toJS(), wanted) ? edited : undefined;
}

/** Renders the addition alone, as a person would write it. */
export function renderAddition({ key, node, remarks }: Addition): string {
  if (key !== undefined && isNode(node)) return renderEntry(key, node, remarks).trimEnd();
  return (node as readonly string[]).map((item) => `- ${item}`).join('\n');
}

/** The value that the edited text must parse to. */
function expected(document: Document.Parsed, { path, key, node }: Addition): unknown {
  // A copy without aliases: a change must not reach the other places that share an anchor.
  const root = JSON.parse(JSON.stringify(document.toJS())) as unknown;
  let at = root;
  for (const [index, step] of path.entries()) {
    const below = isRecord(at) && Object.hasOwn(at, step) ? at[step] : undefined;
    if (below === undefined && isRecord(at) && key !== undefined) {
      // A missing section is created with its first entry.
      at[step] = nested(path.slice(index + 1), key, valueOf(node));
      return root;
    }
    at = below;
  }
  if (key !== undefined) {
    if (!isRecord(at) || Object.hasOwn(at, key)) return undefined;
    at[key] = valueOf(node);
    return root;
  }
  const list = isRecord(at) ? at['scopes'] : at;
  if (!Array.isArray(list)) return undefined;
  list.push(...(node as readonly string[]));
  return root;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nested(path: readonly string[], key: string, value: unknown): unknown {
  return path.reduceRight<unknown>((inner, step) => ({ [step]: inner }), { [key]: value });
}

function valueOf(node: Addition['node']): unknown {
  return isNode(node) ? (new Document(node).toJS() as unknown) : node;
}

function insert(text: string, document: Document.Parsed, addition: Addition): string | undefined {
  let holder: unknown = document.contents;
  for (const [index, step] of addition.path.entries()) {
    if (!isMap(holder)) return undefined;
    const below: unknown = holder.get(step, true);
    if (below === undefined) {
      if (addition.key === undefined || !isNode(addition.node)) return undefined;
      const entry = wrap(addition.node, addition.key, addition.remarks);
      const rest = addition.path.slice(index + 1).reduceRight((inner, key) => wrap(inner, key), entry);
      return insertEntry(text, holder, { ...addition, key: step, node: rest, remarks: [] });
    }
    holder = below;
  }
  if (isAlias(holder)) return undefined;
  if (addition.key !== undefined) return isMap(holder) ? insertEntry(text, holder, addition) : undefined;
  const list: unknown = isMap(holder) ? holder.get('scopes', true) : holder;
  return isSeq(list) ? insertItems(text, list, addition.node as readonly string[]) : undefined;
}

function wrap(node: Node, key: string, remarks: readonly string[] = []): Node {
  const map = new YAMLMap();
  put(map, key, node, ...remarks);
  return map;
}

function insertEntry(text: string, map: YAMLMap, { key = '', node, remarks }: Addition): string | undefined {
  const value = node as Node;
  if (map.flow) {
    const entry = new YAMLMap();
    entry.set(key, inFlow(value));
    return insertInFlow(text, map, entry);
  }
  const [first] = map.items;
  const start = isNode(first?.key) ? first.key.range?.[0] : undefined;
  const end = endOf(map.items.at(-1));
  if (start === undefined || end === undefined) return undefined;
  return insertLines(text, start, end, renderEntry(key, value, remarks));
}

function insertItems(text: string, list: YAMLSeq, items: readonly string[]): string | undefined {
  const sequence = new YAMLSeq();
  sequence.items.push(...items);
  if (list.flow) return insertInFlow(text, list, sequence);
  const end = endOf(list.items.at(-1));
  const start = list.range?.[0];
  return start === undefined || end === undefined
    ? undefined
    : insertLines(text, start, end, new Document(sequence).toString());
}

/** @param added a collection with the new entries. */
function insertInFlow(text: string, list: YAMLMap | YAMLSeq, added: YAMLMap | YAMLSeq): string | undefined {
  const entry = oneLine(added).slice(1, -1).trim().replaceAll('\n', lineEndOf(text));
  const last: unknown = list.items.at(-1);
  const end = last === undefined ? undefined : endOf(last);
  if (end !== undefined) return `${text.slice(0, end)}, ${entry}${text.slice(end)}`;
  const start = list.range?.[0];
  if (start === undefined || last !== undefined) return undefined;
  const padding = isMap(list) ? ' ' : '';
  return `${text.slice(0, start + 1)}${padding}${entry}${padding}${text.slice(start + 1).trimStart()}`;
}

/** How the file ends its lines: as its first one ends. */
function lineEndOf(text: string): string {
  return /\r?\n/.exec(text)?.[0] ?? '\n';
}

/** Inserts below the line on which the last entry ends, indented like the first one. */
function insertLines(text: string, start: number, last: number, lines: string): string {
  const indent = start - (text.lastIndexOf('\n', start - 1) + 1);
  const from = text[last - 1] === '\n' ? last - 1 : last;
  const feed = text.indexOf('\n', from);
  const lineEnd = text[feed - 1] === '\r' ? feed - 1 : feed;
  const at = feed === -1 ? text.length : lineEnd;
  const end = lineEndOf(text);
  const added = lines
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? '' : ' '.repeat(indent) + line))
    .join(end);
  return `${text.slice(0, at)}${end}${added}${feed === -1 ? end : text.slice(at)}`;
}

/** The offset behind a value, without comments. */
function endOf(item: unknown): number | undefined {
  if (isNode(item)) {
    // A block collection ends with its last entry: its own range includes the comments that follow.
    const last = isCollection(item) && !item.flow ? item.items.at(-1) : undefined;
    return last === undefined ? (item.range?.[1] ?? undefined) : endOf(last);
  }
  if (typeof item !== 'object' || item === null || !('key' in item)) return undefined;
  const { key, value } = item as { key: unknown; value?: unknown };
  const isEmpty = value === null || value === undefined || (isScalar(value) && value.source === '');
  return endOf(isEmpty ? key : value);
}

function inFlow(node: Node): Node {
  visit(node, { Collection: (_, collection) => void (collection.flow = true) });
  return node;
}

function oneLine(node: YAMLMap | YAMLSeq): string {
  node.flow = true;
  return new Document(node).toString({ lineWidth: 0, singleQuote: true }).trim();
}
