/** Paths as an AuthorizationPolicy of Istio matches them: whole, by a beginning, or by segments (since Istio 1.22). */
import type { HttpOperation } from './operation.ts';

/**
 * `/product/{id}` is `/product/{*}`, one segment; `/images*` is a beginning.
 *
 * @returns nothing for what Istio can't say: a `*` inside a segment, or both kinds of patterns in one path.
 */
export function istioPath({ path }: HttpOperation): string | undefined {
  const inside = path.slice(0, -1);
  if (!/[{*]/.test(inside)) return path; // a `*` at the end stands for any rest
  const segments = path.split('/').slice(1);
  const patterns = segments.map((segment, at) => {
    if (!/[{}*]/.test(segment)) return segment;
    if (/^\{[^{}]*\}$/.test(segment)) return '{*}';
    if (segment === '*') return at === segments.length - 1 ? '{**}' : '{*}';
    return undefined;
  });
  return patterns.includes(undefined) ? undefined : `/${patterns.join('/')}`;
}
