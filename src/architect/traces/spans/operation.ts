/**
 * Derives an operation from a span's name and tags, spelled as in graphs: `GET /cart/{id}` for a route,
 * `/package.Service/Method` for gRPC, otherwise the span's own name. Ids in paths become `{id}` (folding), so that a
 * million addresses are one operation.
 */
import { MAX_NAME, MAX_WRITTEN_NAME } from '../limits.ts';
import type { Tags } from './span.ts';

export interface OperationName {
  readonly name: string;
  /** Whether an id in the path was replaced. */
  readonly folded: boolean;
}

const METHOD = /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT)$/i;
const METHOD_AND_PATH = /^([A-Za-z]{3,7})\s+((?:https?:\/\/[^/\s]*)?\/\S*)$/;
/** A route for everything that no other route matches, as Express names it. */
const CATCH_ALL = /^(?:([A-Za-z]{3,7}) )?\*$/;
/** `host:port/path`, as Envoy names its spans. */
const HOST_AND_PATH = /^[A-Za-z0-9-]+\.[A-Za-z0-9.-]+(?::\d+)?(\/\S*)$/;
const RPC = /^\/?([A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)+|[A-Z]\w*)\/([A-Za-z_]\w*)$/;

/**
 * @param writtenName the span's name, of any length.
 * @param tags already bounded.
 */
export function operationName(writtenName: string, tags: Tags): OperationName {
  const spanName = cut(writtenName, MAX_WRITTEN_NAME);
  const rpc = rpcName(spanName, tags);
  if (rpc !== undefined) return { name: bounded(rpc), folded: false };
  const written = METHOD_AND_PATH.exec(spanName);
  const method = first(tags, 'http.request.method', 'http.method') ?? written?.[1];
  const route = tags.get('http.route');
  if (method !== undefined && METHOD.test(method)) {
    const verb = method.toUpperCase();
    if (route !== undefined && route !== '')
      return { name: bounded(`${verb} ${rooted(route)}`), folded: false };
    const path = pathOf(
      written?.[2] ?? first(tags, 'url.path', 'http.target', 'http.path', 'url.full', 'http.url'),
    );
    if (path !== undefined) return folded(`${verb} `, path);
  }
  const behindHost = HOST_AND_PATH.exec(spanName)?.[1];
  if (behindHost !== undefined)
    return folded(method === undefined ? '' : `${method.toUpperCase()} `, behindHost);
  const all = CATCH_ALL.exec(spanName);
  if (all) return { name: `${(all[1] ?? method ?? '').toUpperCase()} /*`.trim(), folded: false };
  if (spanName.startsWith('/')) return folded('', pathOf(spanName) ?? spanName);
  return { name: bounded(spanName.trim()), folded: false };
}

/** Whether an operation stands for every path, so that a scope with it would cover all that there are. */
export function isCatchAll(operation: string): boolean {
  return /^(?:\S+ )?\/(?:\*{1,2}|\{\*{1,2}\w*\})$/.test(operation);
}

function rpcName(spanName: string, tags: Tags): string | undefined {
  const [service, method] = [tags.get('rpc.service'), tags.get('rpc.method')];
  if (service && method) return `/${service}/${method}`;
  const named = RPC.exec(tags.get('grpc.path') ?? spanName);
  const isHttp = tags.has('http.route') || METHOD_AND_PATH.test(spanName);
  return named && !isHttp ? `/${named[1]}/${named[2]}` : undefined;
}

function first(tags: Tags, ...keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = tags.get(key);
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
}

/** Without scheme, host, query and fragment. */
function pathOf(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  const path = address.replace(/^[a-z]+:\/\/[^/?#]*/i, '').replace(/[?#].*/s, '');
  return path === '' ? '/' : rooted(path);
}

function rooted(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}

function folded(before: string, path: string): OperationName {
  const template = foldPath(path);
  return { name: bounded(`${before}${template}`), folded: template !== path };
}

const NUMBER = /^\d+$/;
const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const LONG_HEX = /^(?=.*\d)[0-9a-f]{12,}$/i;
/** Letters mixed with digits, longer than most words: keys of stores, product codes, tokens. */
const MIXED = /^(?=(?:\D*\d){3})(?=.*[A-Za-z])[A-Za-z0-9_~=-]{10,}$/;
const VERSION = /^v\d+$/i;

/** `/orders/17/items/6f1e…` becomes `/orders/{id}/items/{id2}`. */
export function foldPath(path: string): string {
  let ids = 0;
  return path
    .split('/')
    .map((segment) => {
      if (VERSION.test(segment)) return segment;
      const isId = [NUMBER, UUID, LONG_HEX, MIXED].some((pattern) => pattern.test(segment));
      if (!isId && !segment.includes('@')) return segment;
      ids++;
      return ids === 1 ? '{id}' : `{id${ids}}`;
    })
    .join('/');
}

/** Bounded and without control characters, because names go into files that people open. */
export function bounded(name: string): string {
  return cut(name, MAX_NAME).replace(UNPRINTABLE, ' ').replace(/\s+/g, ' ').trim();
}

function cut(name: string, most: number): string {
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}

/** Control and format characters, line separators and unpaired surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
