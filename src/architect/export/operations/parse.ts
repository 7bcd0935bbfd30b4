/**
 * Reads an entry of `operations`: `POST /cart/checkout`, `any /hub`, `/package.Service/Method` of gRPC, with parameters
 * as frameworks write them: `{id}`, `:id`, `<int:id>`, `{rest...}`, `{*path}`, `*`, `(.:format)`. What is not understood
 * is refused: a `:id` that a target takes literally protects nothing.
 */
import { optionalForms } from './optional-parts.ts';
import type { HttpOperation } from './pattern.ts';
import { readPath } from './read-path.ts';
import { Unreadable } from './unreadable.ts';

export type ReadOperation =
  | { readonly operations: readonly HttpOperation[]; readonly refused?: undefined }
  /** `not-http`: a topic, a tool, a method of another protocol. */
  | { readonly refused: 'not-http' | 'unreadable'; readonly why: string };

const WRITTEN = /^(?:(\S+)\s+)?(\/\S*)$/;
const METHOD = /^(?:\*|[A-Z]{2,20})$/;
const ANY = new Set(['ANY', 'ALL', '*']);
const GRPC = /^\/[A-Za-z_][\w.]*\.[A-Za-z_]\w*\/[A-Za-z_]\w*$/;

/** @returns the operation in all its forms: one with optional parts has several. */
export function parseOperation(text: string): ReadOperation {
  const [, writtenMethod, path] = WRITTEN.exec(text.trim()) ?? [];
  if (path === undefined) return { refused: 'not-http', why: 'it has no path' };
  const method = writtenMethod?.toUpperCase();
  if (method !== undefined && !METHOD.test(method))
    return { refused: 'unreadable', why: `${writtenMethod} is no method of HTTP` };
  try {
    const paths = optionalForms(path).map(readPath);
    return {
      operations: paths.map((segments) => ({ method: methodOf(method, path), path: segments, text })),
    };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { refused: 'unreadable', why: error.message };
  }
}

/** gRPC over HTTP/2 always uses POST; a plain route has no package before a dot. */
function methodOf(written: string | undefined, path: string): string | undefined {
  if (written === undefined) return GRPC.test(path) ? 'POST' : undefined;
  return ANY.has(written) ? undefined : written;
}
