/**
 * Routes a request as a web framework does, written apart from the export: the most exact operation of a service counts.
 * It knows the few forms that the random graphs use: texts, `{x}`, `{x:int}`, a final `*`.
 */
export interface Route {
  readonly scope: string;
  readonly method: string;
  readonly segments: readonly string[];
}

export function routeOf(scope: string, operation: string): Route {
  const [method = '', address = ''] = operation.split(' ');
  return { scope, method, segments: address.split('/').slice(1) };
}

/** How a server reads a path: as it is, or as leniently as some do. */
export type Reading = (pathname: string) => readonly string[];

export const strictly: Reading = (pathname) => pathname.split('/').slice(1);

export const leniently: Reading = (pathname) => {
  const readable = pathname.split('/').map((segment) => decoded(segment.replace(/;.*/, '')).toLowerCase());
  const named: string[] = [];
  for (const segment of readable.join('/').split('/')) {
    if (segment === '..') named.pop();
    else if (segment !== '' && segment !== '.') named.push(segment);
  }
  return named.length === 0 ? [''] : named;
};

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/**
 * @returns for each of the most exact routes the scopes that name it; one of them is needed. There are several routes where
 *   none contains another: frameworks differ in which they choose, so all are needed.
 */
export function scopesNeeded(
  routes: readonly Route[],
  method: string,
  segments: readonly string[],
): readonly (readonly string[])[] {
  const matching = routes.filter((route) => answers(route, method, segments));
  const best = matching.filter((route) => !matching.some((other) => isBefore(other, route)));
  const needed = new Map<string, string[]>();
  for (const route of best) {
    const key = `${route.method} ${route.segments.join('/')}`;
    needed.set(key, [...(needed.get(key) ?? []), route.scope]);
  }
  return [...needed.values()];
}

function answers(
  { method: own, segments: pattern }: Route,
  method: string,
  segments: readonly string[],
): boolean {
  if (own !== 'ANY' && own !== method) return false;
  for (const [at, part] of pattern.entries()) {
    if (part === '*') return segments.length > at;
    const segment = segments[at];
    if (segment === undefined || !fits(part, segment)) return false;
  }
  return pattern.length === segments.length;
}

function fits(part: string, segment: string): boolean {
  if (part === '{x}') return segment !== '';
  if (part === '{x:int}') return /^\d+$/.test(segment);
  return part === segment;
}

/** Whether `a` answers a part of what `b` answers: path first, then method. */
function isBefore(a: Route, b: Route): boolean {
  if (isPart(a, b)) return !isPart(b, a) || (a.method !== 'ANY' && b.method === 'ANY');
  return false;
}

function isPart(a: Route, b: Route): boolean {
  for (let at = 0; ; at++) {
    const [ours, theirs] = [a.segments[at], b.segments[at]];
    if (theirs === '*') return ours !== undefined;
    if (ours === undefined || theirs === undefined) return ours === theirs;
    if (ours === '*' || !isNarrower(ours, theirs)) return false;
  }
}

function isNarrower(ours: string, theirs: string): boolean {
  if (ours === theirs || (theirs === '{x}' && ours !== '')) return true;
  return theirs === '{x:int}' && /^\d+$/.test(ours);
}
