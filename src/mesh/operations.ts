/**
 * Which scopes allow a request, by its method and path. The patterns are those of a graph's `operations`, and mean the
 * same as in every export: a request belongs to the scope that names it most exactly, in whatever spelling, and one that
 * is listed nowhere is refused.
 */
import {
  OverlapIndex,
  parseOperation,
  takesAway,
  type HttpOperation,
  type PathPattern,
} from '../architect/export/index.ts';
import { WaybillError, usageError } from '../errors.ts';
import { canonicalPath } from './canonical-path.ts';

/** Scope → `POST /orders/{id}`, `ANY /images/*`, `/package.Service/Method`. */
export type OperationTable = Readonly<Record<string, readonly string[]>>;

export interface RequestLine {
  readonly method: string;
  /** As the request line has it: a path, with or without a query. */
  readonly url: string;
}

interface ScopedOperation {
  readonly scope: string;
  /** What belongs to other scopes, in every spelling that some server takes for it. */
  readonly except: OverlapIndex<HttpOperation>;
}

export class Operations {
  readonly #operations = new OverlapIndex<ScopedOperation>();

  /** @throws WaybillError `usage` for an operation that is not understood. */
  constructor(table: OperationTable) {
    const all = new OverlapIndex<{ readonly operation: HttpOperation; readonly scope: string }>();
    const read = Object.entries(table).map(([scope, operations]) => ({
      scope,
      own: operations.flatMap(readOperation),
    }));
    for (const { scope, own } of read) for (const operation of own) all.add(operation, { operation, scope });
    for (const { scope, own } of read)
      for (const operation of own) {
        const except = new OverlapIndex<HttpOperation>();
        const foreign = all.overlapping(operation).filter((other) => other.scope !== scope);
        const taken = foreign.filter((other) => takesAway(other.operation, operation, own) !== undefined);
        for (const one of taken.flatMap((other) => spellings(other.operation))) except.add(one, one);
        this.#operations.add(operation, { scope, except });
      }
  }

  /**
   * @returns the scopes under which the request is listed; none if it is not.
   * @throws WaybillError `path_ambiguous`
   */
  scopesFor({ method, url }: RequestLine): readonly string[] {
    const path = canonicalPath(url);
    if (path === undefined)
      throw new WaybillError(
        'path_ambiguous',
        'servers could read this path in two ways: it has a dot segment, an encoded slash or backslash, a slash too many, or an escape that is encoded twice',
      );
    const segments: PathPattern = path
      .split('/')
      .slice(1)
      .map((text) => ({ kind: 'literal', text }));
    // Of a path without parameters, what overlaps is what matches.
    const asked = { method, path: segments, text: '' };
    const lenient = { ...asked, path: readLeniently(segments) };
    const listed = this.#operations
      .overlapping(asked)
      .filter(({ except }) => except.overlapping(lenient).length === 0);
    return [...new Set(listed.map(({ scope }) => scope))];
  }
}

/** Servers answer HEAD where they answer GET (RFC 9110 section 9.3.2). */
function spellings({ method, path, text }: HttpOperation): HttpOperation[] {
  const methods = method === 'GET' ? ['GET', 'HEAD'] : [method];
  return methods.map((one) => ({ method: one, path: readLeniently(path), text }));
}

/** As some servers read a path: without case, escapes, parameters behind a semicolon, and a slash at the end. */
function readLeniently(path: PathPattern): PathPattern {
  const segments = path.map((segment): PathPattern[number] => {
    switch (segment.kind) {
      case 'literal':
        return { kind: 'literal', text: lenientText(segment.text) };
      case 'rest':
        return { kind: 'rest', prefix: lenientText(segment.prefix) };
      case 'partial':
        return {
          kind: 'partial',
          parts: segment.parts.map((part) => (typeof part === 'string' ? lenientText(part) : part)),
        };
      case 'one':
        return segment;
    }
  });
  const last = segments.at(-1);
  return segments.length > 1 && last?.kind === 'literal' && last.text === ''
    ? segments.slice(0, -1)
    : segments;
}

/** The escapes of a canonical path, and of a pattern, can be read. */
function lenientText(text: string): string {
  const [readable = ''] = decodeURIComponent(text).split(';', 1);
  return readable.toLowerCase();
}

/** In all its forms: an operation with optional parts has several. */
function readOperation(text: string): readonly HttpOperation[] {
  const { operations, why } = { why: '', operations: undefined, ...parseOperation(text) };
  if (operations !== undefined) return operations;
  throw usageError(`The operation ${JSON.stringify(text)} is not understood: ${why}.`);
}
