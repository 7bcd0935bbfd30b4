/**
 * Operations in the syntax of Istio's AuthorizationPolicy: paths are exact, begin with a text, or have whole segments in
 * their place (`{*}`, and `{**}` at the end; since Istio 1.22).
 */
import type { InboundOperation } from '../inbound.ts';
import { answeredMethods, type HttpOperation, type PathPattern, type Segment } from '../operations/index.ts';

/** The `operation` of a rule. All its members must match. */
export interface IstioOperation {
  readonly methods?: readonly string[];
  readonly notMethods?: readonly string[];
  readonly paths: readonly string[];
  readonly notPaths?: readonly string[];
}

/** @returns undefined if Istio cannot express the operation, or one that must be taken away from it. */
export function istioOperations(operation: InboundOperation): readonly IstioOperation[] | undefined {
  const path = istioPath(operation.path);
  if (path === undefined) return undefined;
  const exceptions = operation.except.flatMap(({ method, path: other }) =>
    (method === undefined ? [method] : answeredMethods(method)).map((one) => ({
      method: one,
      path: istioPath(other),
    })),
  );
  if (exceptions.some((except) => except.path === undefined)) return undefined;
  const notPathsOf = (method: string | undefined): string[] =>
    exceptions.flatMap((except) =>
      except.path !== undefined && appliesTo(except, method) ? [except.path] : [],
    );
  if (operation.method !== undefined)
    return [{ methods: [operation.method], ...withoutPaths(path, notPathsOf(operation.method)) }];
  const named = [...new Set(exceptions.flatMap(({ method }) => method ?? []))];
  if (named.length === 0) return [withoutPaths(path, notPathsOf(undefined))];
  return [
    { notMethods: named, ...withoutPaths(path, notPathsOf(undefined)) },
    ...named.map((method) => ({ methods: [method], ...withoutPaths(path, notPathsOf(method)) })),
  ];
}

function appliesTo({ method }: Pick<HttpOperation, 'method'>, asked: string | undefined): boolean {
  return method === undefined || method === asked;
}

function withoutPaths(path: string, notPaths: readonly string[]): IstioOperation {
  return { paths: [path], ...(notPaths.length === 0 ? {} : { notPaths }) };
}

/** @returns undefined if Istio has no such pattern. */
export function istioPath(pattern: PathPattern): string | undefined {
  const last = pattern.at(-1);
  const isTemplate = pattern.some(({ kind }) => kind === 'one');
  const segments = pattern.map((segment) => istioSegment(segment, isTemplate));
  if (segments.includes(undefined)) return undefined;
  const path = `/${segments.join('/')}`;
  return last?.kind === 'rest' && !isTemplate ? `${path}*` : path;
}

function istioSegment(segment: Segment, isTemplate: boolean): string | undefined {
  switch (segment.kind) {
    case 'literal':
      return /[*{}]/.test(segment.text) ? undefined : segment.text;
    case 'one':
      return segment.parameter === 'any' ? '{*}' : undefined;
    case 'partial':
      return undefined;
    case 'rest':
      if (/[*{}]/.test(segment.prefix)) return undefined;
      if (!isTemplate) return segment.prefix;
      return segment.prefix === '' ? '{**}' : undefined;
  }
}
