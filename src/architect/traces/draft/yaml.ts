/** Renders a draft as a graph file, with its remarks as comments. */
import { Document, Pair, Scalar, YAMLMap, YAMLSeq, type Node } from 'yaml';
import { warningText, type ImportWarning } from '../import-warnings.ts';
import { bounded } from '../spans/operation.ts';
import type { Draft, DraftCall, DraftClient, DraftScope, DraftService } from './draft.ts';

const LAYOUT = { lineWidth: 110, singleQuote: true } as const;

/** Lists without padding, `[a, b]`, beside maps with it, `{ c: d }`. */
class ShortList extends YAMLSeq {
  override flow = true;
  override toString(...[context, ...rest]: Parameters<YAMLSeq['toString']>): string {
    return super.toString(context && { ...context, flowCollectionPadding: '' }, ...rest);
  }
}

export interface GraphHeading {
  readonly name: string;
  /** What was read, for people. */
  readonly origin: string;
  readonly warnings: readonly ImportWarning[];
}

export function renderDraft(draft: Draft, heading: GraphHeading): string {
  const root = new YAMLMap();
  put(root, 'waybill', 1);
  put(root, 'name', text(heading.name));
  put(root, 'issuer', issuerNode(draft), 'A placeholder: enter the URL of your issuer.');

  if (draft.clients.length > 0)
    put(
      root,
      'clients',
      mapOf(draft.clients, clientNode),
      'How each client authenticates is a placeholder too.',
    );
  put(root, 'services', mapOf(draft.services, serviceNode));
  for (const { key } of root.items.slice(2)) if (key instanceof Scalar) key.spaceBefore = true;
  const document = new Document(root);
  document.commentBefore = comment([
    `A first graph, drafted from ${heading.origin}.`,
    'It contains only what was seen there: review it as a proposal, and name the scopes after your permissions.',
    ...(heading.warnings.length === 0
      ? []
      : ['What the source does not say:', ...heading.warnings.map((warning) => `- ${warningText(warning)}`)]),
    'Still to add: the header limits of your servers (`defaults: { headers: … }`), identities, claims.',
  ]);
  return document.toString(LAYOUT);
}

/** Renders one entry alone, as the lines below its section. */
export function renderEntry(name: string, node: Node, remarks: readonly string[]): string {
  const map = new YAMLMap();
  put(map, name, node, ...remarks);
  return new Document(map).toString(LAYOUT);
}

function issuerNode({ limits }: Draft): YAMLMap {
  const issuer = new YAMLMap();
  put(issuer, 'url', text('https://tokens.example'));
  const { tokens, depth } = limits;
  if (tokens === undefined && depth === undefined) return issuer;
  const bounds = flow(new YAMLMap());
  if (tokens !== undefined) put(bounds, 'tokens', tokens);
  if (depth !== undefined) put(bounds, 'depth', depth);
  put(issuer, 'limits', bounds, 'The largest tree exceeds the default limits: is that intended?');
  return issuer;
}

export function clientNode(client: DraftClient): YAMLMap {
  const node = new YAMLMap();
  put(node, 'auth', authNode(client.name));
  put(node, 'calls', callsNode(client.calls));
  return node;
}

export function serviceNode(service: DraftService): YAMLMap {
  const node = new YAMLMap();
  if (service.authenticates)
    put(
      node,
      'auth',
      authNode(service.name),
      'It fetches tokens when needed, so it must authenticate: a placeholder.',
    );
  if (service.calls.length > 0)
    put(
      node,
      'calls',
      callsNode(service.calls),
      'The source does not say which operation makes these calls, so every scope makes them.',
    );
  put(node, 'scopes', mapOf(service.scopes, scopeNode, false));
  return node;
}

export function scopeNode({ operations, calls }: DraftScope): YAMLMap {
  const node = new YAMLMap();
  if (operations.length > 0) {
    put(node, 'operations', listOf(operations));
  }
  if (calls.length > 0) put(node, 'calls', callsNode(calls));
  if (node.items.length === 0) node.flow = true;
  return node;
}

export function callsNode(calls: readonly DraftCall[]): YAMLMap {
  const node = new YAMLMap();
  for (const call of calls) {
    const value = callNode(call);
    if (call.remark !== '') value.comment = comment([call.remark]);
    put(node, call.callee, value);
  }
  if (calls.length === 0) node.flow = true;
  return node;
}

export function callNode({ scopes, mode, probability }: DraftCall): YAMLMap | YAMLSeq {
  const list = listOf(scopes);
  if (mode === 'embed' && probability === 1) return list;
  list.flow = true;
  const node = flow(new YAMLMap());
  if (scopes.length > 0) put(node, 'scopes', list);
  if (mode !== 'embed') put(node, 'mode', mode);
  if (probability !== 1) put(node, 'probability', probability);
  return node;
}

/** Longer lists are written over several lines. */
const LINE = 80;

function listOf(items: readonly string[]): YAMLSeq {
  const list = new ShortList();
  for (const item of items) list.add(text(item));
  list.flow = items.join(', ').length <= LINE;
  return list;
}

function authNode(name: string): YAMLMap {
  const auth = flow(new YAMLMap());
  put(auth, 'method', 'client_secret_basic');
  const variable = name
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, '_')
    .replace(/^(?=\d)/, '_');
  put(auth, 'secret_env', `${variable.slice(0, 120)}_SECRET`);
  return auth;
}

function mapOf<Entry extends { readonly name: string; readonly remarks: readonly string[] }>(
  entries: readonly Entry[],
  node: (entry: Entry) => YAMLMap,
  apart = true,
): YAMLMap {
  const map = new YAMLMap();
  for (const entry of entries) {
    const value = node(entry);
    const isBlock = !value.flow;
    put(map, entry.name, value, ...entry.remarks);
    // A blank line between parties, none between one-line scopes.
    const key = map.items.at(-1)?.key;
    if (isBlock && apart && map.items.length > 1 && key instanceof Scalar) key.spaceBefore = true;
  }
  if (entries.length === 0) map.flow = true;
  return map;
}

/** @param remarks comments before the key. */
export function put(map: YAMLMap, name: string, value: unknown, ...remarks: readonly string[]): void {
  const key = new Scalar(name);
  const lines = remarks.filter((remark) => remark !== '');
  if (lines.length > 0) key.commentBefore = comment(lines);
  map.add(new Pair(key, value));
}

function flow<Collection extends YAMLMap | YAMLSeq>(node: Collection): Collection {
  node.flow = true;
  return node;
}

/** Escapes `${`, which would be a variable of the graph language. */
function text(value: string): string {
  return value.replaceAll('${', () => '$${');
}

/** Remarks contain names from a source: each stays on one line. */
function comment(lines: readonly string[]): string {
  return lines.map((line) => (line === '' ? '' : ` ${bounded(line)}`)).join('\n');
}
