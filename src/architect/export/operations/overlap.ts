/** Compares operations as sets of requests: which contains which, which have requests in common, and whose those are. */
import { partsOf, type HttpOperation, type Parameter, type PathPattern, type Segment } from './pattern.ts';

/** Whether both accept some request, as far as can be told; of two parts of segments it is taken for granted. */
export function overlap(a: HttpOperation, b: HttpOperation): boolean {
  const methods = a.method === undefined || b.method === undefined || a.method === b.method;
  return methods && pathsOverlap(a.path, b.path);
}

/**
 * Whether `a` accepts every request of `b`. Routers look at the path first: `GET /items/{id}` does not contain
 * `ANY /items/new`, and `ANY /items/new` is the more exact of the two.
 */
export function isWithin(b: HttpOperation, a: HttpOperation): boolean {
  if (!isPathWithin(b.path, a.path)) return false;
  return !isPathWithin(a.path, b.path) || a.method === undefined || a.method === b.method;
}

/**
 * Whether requests that both accept belong to `other` alone: `more-exact` if `other` accepts a part of what `operation`
 * accepts, `neither` if neither is the more exact, so that nobody gets them. Undefined: they stay with `operation`.
 *
 * @param own all operations of the scope of `operation`.
 */
export function takesAway(
  other: HttpOperation,
  operation: HttpOperation,
  own: readonly HttpOperation[],
): 'more-exact' | 'neither' | undefined {
  if (!overlap(operation, other) || isWithin(operation, other)) return undefined;
  // The scope names these requests itself, with another operation that is as exact.
  if (own.some((one) => isWithin(other, one) && isWithin(one, other))) return undefined;
  return isWithin(other, operation) ? 'more-exact' : 'neither';
}

function pathsOverlap(a: PathPattern, b: PathPattern): boolean {
  for (let at = 0; ; at++) {
    const [ours, theirs] = [a[at], b[at]];
    if (ours === undefined || theirs === undefined) return ours === theirs;
    if (ours.kind === 'rest') return restOverlaps(ours.prefix, theirs);
    if (theirs.kind === 'rest') return restOverlaps(theirs.prefix, ours);
    if (!segmentsOverlap(ours, theirs)) return false;
  }
}

/** A rest stands last, and there it accepts whatever begins with its prefix. */
function restOverlaps(prefix: string, segment: Segment): boolean {
  const start = startOf(segment);
  return start.startsWith(prefix) || (segment.kind !== 'literal' && prefix.startsWith(start));
}

/** The text with which every match of a segment begins. */
function startOf(segment: Segment): string {
  const [first] = partsOf(segment);
  return typeof first === 'string' ? first : '';
}

type Bounded = Exclude<Segment, { kind: 'rest' }>;

function segmentsOverlap(a: Bounded, b: Bounded): boolean {
  if (a.kind === 'literal') return matches(b, a.text);
  if (b.kind === 'literal') return matches(a, b.text);
  return true;
}

function isPathWithin(b: PathPattern, a: PathPattern): boolean {
  for (let at = 0; ; at++) {
    const [outer, inner] = [a[at], b[at]];
    if (outer === undefined || inner === undefined) return outer === inner;
    if (outer.kind === 'rest') return startOf(inner).startsWith(outer.prefix);
    if (inner.kind === 'rest' || !isSegmentWithin(inner, outer)) return false;
  }
}

function isSegmentWithin(inner: Bounded, outer: Bounded): boolean {
  if (inner.kind === 'literal') return matches(outer, inner.text);
  if (outer.kind === 'one')
    return outer.parameter === 'any' || (inner.kind === 'one' && inner.parameter === 'digits');
  return JSON.stringify(inner) === JSON.stringify(outer);
}

/** Follows all places of the text at once that the parts so far can end at. */
function matches(segment: Bounded, text: string): boolean {
  let ends = new Set([0]);
  for (const part of partsOf(segment)) ends = new Set([...ends].flatMap((from) => endsOf(part, text, from)));
  return ends.has(text.length);
}

function endsOf(part: string | Parameter, text: string, from: number): number[] {
  if (typeof part === 'string') return text.startsWith(part, from) ? [from + part.length] : [];
  const ends: number[] = [];
  for (let at = from; at < text.length; at++) {
    if (part.parameter === 'digits' && !/[0-9]/.test(text.charAt(at))) break;
    ends.push(at + 1);
  }
  return ends;
}
