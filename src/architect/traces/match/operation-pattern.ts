/**
 * Matches a seen operation against a graph's `operations`. Graphs write `GET /cart/{id}`, `ANY /hub/*`,
 * `/package.Service/Method` or a plain name; sources name parameters differently, and some omit the method.
 */
interface Operation {
  /** Empty: any. */
  readonly method: string;
  readonly segments: readonly string[];
  readonly text: string;
}

const ROUTE = /^(?:(\S+)\s+)?(\/\S*)$/;
const RPC = /^([\w]+(?:\.\w+)+)\/(\w+)$/;

function parse(text: string): Operation {
  const rpc = RPC.exec(text);
  const route = ROUTE.exec(rpc ? `/${text}` : text);
  if (!route) return { method: '', segments: [], text };
  const method = (route[1] ?? '').toUpperCase();
  const segments = route[2]!.split('/').filter((segment) => segment !== '');
  return { method: method === 'ANY' || method === '*' ? '' : method, segments, text: '' };
}

/**
 * @param declared one of a graph's `operations`.
 * @param seen an operation of a source; in a policy, `*` stands for anything.
 * @returns 0 for no match; otherwise the higher, the fewer parameters the match needs.
 */
export function matchScore(declared: string, seen: string): number {
  if (declared === seen) return Infinity;
  const [ours, theirs] = [parse(declared), parse(seen)];
  if (ours.text !== '' || theirs.text !== '') return ours.text === theirs.text ? Infinity : 0;
  if (ours.method !== '' && theirs.method !== '' && ours.method !== theirs.method) return 0;
  return scoreSegments(ours.segments, theirs.segments);
}

function scoreSegments(ours: readonly string[], theirs: readonly string[]): number {
  let score = 1;
  for (let at = 0; ; at++) {
    const [our, their] = [ours[at], theirs[at]];
    if (our === undefined && their === undefined) return score + 1;
    // A final `*` also matches an empty rest.
    if ((isRest(our) && at === ours.length - 1) || (isRest(their) && at === theirs.length - 1)) return score;
    if (our === undefined || their === undefined) return 0;
    if (our === their) score += 2;
    else if (isParameter(our) || isAnything(their)) score += 1;
    else if (our.endsWith('*') && their.startsWith(our.slice(0, -1))) score += 1;
    else return 0;
  }
}

function isParameter(segment: string): boolean {
  return isAnything(segment) || /^\{.*\}$|^:/.test(segment);
}

function isAnything(segment: string): boolean {
  return segment === '*' || segment === '{*}' || segment === '**' || segment === '{**}';
}

function isRest(segment: string | undefined): boolean {
  return segment === '*' || segment === '**' || segment === '{**}';
}
