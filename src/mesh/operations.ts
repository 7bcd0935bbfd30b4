/**
 * Which scopes allow a request, by its method and path. The patterns are those of a graph's `operations`, and mean the
 * same as in every export: a request belongs to the scope that names it most exactly, in whatever spelling, and one that
 * is listed nowhere is refused.
 */
import {
  overlap,
  parseOperation,
  takesAway,
  type HttpOperation,
  type PathPattern,
} from '../architect/export/index.ts';
import { WaybillError } from '../errors.ts';
import { canonicalPath } from './canonical-path.ts';

/** Scope → `POST /orders/{id}`, `ANY /images/*`, `/package.Service/Method`. */
export type OperationTable = Readonly<Record<string, readonly string[]>>;

export interface RequestLine {
  readonly method: string;
  /** As the request line has it: a path, with or without a query. */
  readonly url: string;
}

interface ScopedOperation {
  readonly operation: HttpOperation;
  readonly scope: string;
  /** What belongs to other scopes. */
  readonly except: readonly Spelled[];
}

/** An operation in every spelling that some server takes for it. */
interface Spelled {
  readonly methods: readonly string[] | 'any';
  readonly path: PathPattern;
}

export class Operations {
  readonly #operations: readonly ScopedOperation[];

  /** @throws WaybillError `usage` for an operation that is not understood. */
  constructor(table: OperationTable) {
    const read = Object.entries(table).map(([scope, operations]) => ({
      scope,
      own: operations.flatMap(readOperation),
    }));
    this.#operations = read.flatMap(({ scope, own }) => {
      const foreign = read.filter((other) => other.scope !== scope).flatMap((other) => other.own);
      return own.map((operation) => {
        const taken = foreign.filter((other) => takesAway(other, operation, own) !== undefined);
        return { operation, scope, except: taken.map(spelled) };
      });
    });
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
    const segments = path.split('/').slice(1);
    const asked = { method, path: segments.map((text) => ({ kind: 'literal', text }) as const), text: '' };
    // Of a path without parameters, what overlaps is what matches.
    const listed = this.#operations.filter(
      ({ operation, except }) =>
        overlap(asked, operation) && !except.some((other) => isSpelled(other, method, asked.path)),
    );
    return [...new Set(listed.map(({ scope }) => scope))];
  }
}

/** Servers answer HEAD where they answer GET (RFC 9110 section 9.3.2). */
function spelled({ method, path }: HttpOperation): Spelled {
  const methods = method === undefined ? 'any' : method === 'GET' ? ['GET', 'HEAD'] : [method];
  return { methods, path: readLeniently(path) };
}

/** @param asked every segment a literal. */
function isSpelled({ methods, path }: Spelled, method: string, asked: PathPattern): boolean {
  if (methods !== 'any' && !methods.includes(method)) return false;
  const request = { method: undefined, text: '', path: readLeniently(asked) };
  return overlap(request, { method: undefined, text: '', path });
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
  throw new WaybillError('usage', `The operation ${JSON.stringify(text)} is not understood: ${why}.`);
}
