/**
 * Which scopes allow a request, by its method and path. The patterns are those of a graph's `operations`, and mean the
 * same: a token may do what is listed under one of its scopes, and a request that is listed nowhere is refused. So it
 * does not matter which pattern is the most exact, and no spelling of a path leads around a stricter one.
 */
import { overlap, parseOperation, type HttpOperation } from '../architect/export/index.ts';
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
}

export class Operations {
  readonly #operations: readonly ScopedOperation[];

  /** @throws WaybillError `usage` for an operation that is not understood. */
  constructor(table: OperationTable) {
    this.#operations = Object.entries(table).flatMap(([scope, operations]) =>
      operations.flatMap(readOperation).map((operation) => ({ operation, scope })),
    );
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
    const listed = this.#operations.filter(({ operation }) => overlap(asked, operation));
    return [...new Set(listed.map(({ scope }) => scope))];
  }
}

/** In all its forms: an operation with optional parts has several. */
function readOperation(text: string): readonly HttpOperation[] {
  const { operations, why } = { why: '', operations: undefined, ...parseOperation(text) };
  if (operations !== undefined) return operations;
  throw new WaybillError('usage', `The operation ${JSON.stringify(text)} is not understood: ${why}.`);
}
