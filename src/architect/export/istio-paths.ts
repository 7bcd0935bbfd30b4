/** Paths in the syntax of Istio's AuthorizationPolicy: exact, by prefix, or by segment (since Istio 1.22). */
import type { HttpOperation } from './operation.ts';

/**
 * `/product/{id}` becomes `/product/{*}`, one segment; `/images*` is a prefix.
 *
 * @returns undefined if Istio cannot express the path: a `*` inside a segment, or both kinds of patterns in one path.
 */
export function istioPath({ path }: HttpOperation): string | undefined {
  const inside = path.slice(0, -1);
  if (!/[{*]/.test(inside)) return path; // a final `*` matches any rest
  const segments = path.split('/').slice(1);
  const patterns = segments.map((segment, at) => {
    if (!/[{}*]/.test(segment)) return segment;
    if (/^\{[^{}]*\}$/.test(segment)) return '{*}';
    if (segment === '*') return at === segments.length - 1 ? '{**}' : '{*}';
    return undefined;
  });
  return patterns.includes(undefined) ? undefined : `/${patterns.join('/')}`;
}
