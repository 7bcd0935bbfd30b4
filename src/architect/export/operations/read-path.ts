/** Reads a path without optional parts: texts, parameters, the rest. */
import type { Parameter, PathPattern, Segment } from './pattern.ts';
import { Unreadable } from './unreadable.ts';

/** A `rest` stands for everything up to the path's end. */
type Part = string | Parameter | typeof REST;
const REST = Symbol('rest');
const ANY: Parameter = { parameter: 'any' };
const DIGITS: Parameter = { parameter: 'digits' };

type ReadPart = (inside: string, isEnd: boolean) => Part;

/** What a segment is made of, each with what it means. */
const FORMS: readonly (readonly [RegExp, ReadPart])[] = [
  [/\{([^{}]*)\}/y, inBraces],
  [/<([^<>]*)>/y, inAngles],
  [/:([A-Za-z_]\w*(?:\([^()]*\))?)/y, afterColon],
  [/\*(\*?\w*)/y, (name, isEnd) => (name === '' && !isEnd ? ANY : REST)],
  [/%([0-9A-Fa-f]{2})/y, (hex) => unescaped(`%${hex.toUpperCase()}`)],
  [/\\([:*{}()<>])/y, (character) => character],
  [/([\w\-.~!$&'+,=@]+)/y, (text) => text],
  [/([^\0-\x7f]+)/y, (text) => escaped(text)],
];

/**
 * @param path begins with a slash.
 * @throws Unreadable
 */
export function readPath(path: string): PathPattern {
  const segments: Part[][] = [];
  for (let at = 0; at < path.length;) {
    const written = path[at];
    if (written === '/') {
      segments.push([]);
      at++;
      continue;
    }
    const { part, end } = partAt(path, at);
    const before = segments.at(-1)?.at(-1);
    if (written === ':' && before !== undefined && !(typeof before === 'string' && /[.-]$/.test(before)))
      throw new Unreadable('a colon inside a segment has two meanings: write `{name}` or `\\:`');
    segments.at(-1)?.push(part);
    at = end;
  }
  return segments.map((parts, at) => segmentOf(parts, at === segments.length - 1));
}

function partAt(path: string, at: number): { readonly part: Part; readonly end: number } {
  for (const [form, read] of FORMS) {
    form.lastIndex = at;
    const [whole, inside = ''] = form.exec(path) ?? [];
    if (whole === undefined) continue;
    const end = at + whole.length;
    return { part: read(inside, end === path.length), end };
  }
  throw new Unreadable(`\`${String.fromCodePoint(path.codePointAt(at)!)}\` has no meaning there`);
}

function segmentOf(written: readonly Part[], isLast: boolean): Segment {
  const parts = withTextsJoined(written);
  const [first = ''] = parts;
  if (parts.length < 2 && typeof first === 'string') return literal(first, isLast);
  if (parts.length === 1 && typeof first === 'object') return { kind: 'one', parameter: first.parameter };
  if (parts.includes(REST)) return rest(parts, isLast);
  if (parts.some((part, at) => typeof part === 'object' && typeof parts[at + 1] === 'object'))
    throw new Unreadable('two parameters have no text between them');
  return { kind: 'partial', parts: parts as (string | Parameter)[] };
}

function withTextsJoined(parts: readonly Part[]): Part[] {
  const joined: Part[] = [];
  for (const part of parts) {
    const before = joined.at(-1);
    if (typeof part === 'string' && typeof before === 'string') joined[joined.length - 1] = before + part;
    else joined.push(part);
  }
  return joined;
}

function literal(text: string, isLast: boolean): Segment {
  if (text === '' && !isLast) throw new Unreadable('it has an empty segment');
  if (text === '.' || text === '..') throw new Unreadable('it has a dot segment');
  return { kind: 'literal', text };
}

function rest(parts: readonly Part[], isLast: boolean): Segment {
  const [prefix, end] = parts.length === 1 ? ['', parts[0]] : parts;
  if (!isLast || parts.length > 2 || end !== REST || typeof prefix !== 'string')
    throw new Unreadable('the rest of a path can stand only at its end, alone or behind a text');
  return { kind: 'rest', prefix };
}

/** `{id}`, `{id:int}`, `{rest...}` of Go, `{*path}` of ASP.NET and Spring, `{path:path}` of Starlette, `{**}` of Istio. */
function inBraces(inside: string, isEnd: boolean): Part {
  if (inside === '$' && isEnd) return ''; // Go: the path ends here
  if (inside === '*') return ANY; // Istio
  if (/^(?:\*\*|\*\*?[A-Za-z_]\w*|[A-Za-z_]\w*\.\.\.)$/.test(inside)) return REST;
  const [, constraint] = /^[\w-]+(?::(.*))?$/s.exec(inside) ?? badParameter(`{${inside}}`);
  return ofType(constraint ?? '', `{${inside}}`);
}

/** `<id>`, `<int:id>`, `<path:rest>` of Flask and Django. */
function inAngles(inside: string): Part {
  const [, type] = /^(?:(\w+):)?[A-Za-z_]\w*$/.exec(inside) ?? badParameter(`<${inside}>`);
  return ofType(type ?? '', `<${inside}>`);
}

/** `:id`, and `:id(\d+)` of Express. */
function afterColon(inside: string): Part {
  const [, constraint] = /^\w+(?:\((.*)\))?$/s.exec(inside) ?? badParameter(`:${inside}`);
  return ofType(constraint ?? '', `:${inside}`);
}

const TYPES = new Map<string, Part>([
  ...['', 'str', 'string', '[^/]+'].map((type) => [type, ANY] as const),
  ...['int', 'integer', 'long', '\\d+', '[0-9]+'].map((type) => [type, DIGITS] as const),
  ...['path', '.*', '.+'].map((type) => [type, REST] as const),
]);

/** Any other constraint would let through less than one segment says, and so overlap with other routes unseen. */
function ofType(constraint: string, written: string): Part {
  return TYPES.get(constraint) ?? badParameter(written);
}

function badParameter(written: string): never {
  throw new Unreadable(`the parameter \`${written}\` is not known: write \`{name}\` for one segment`);
}

/** RFC 3986 section 6.2.2.2: an escaped unreserved character is the character. */
function unescaped(escape: string): string {
  const code = Number.parseInt(escape.slice(1), 16);
  const character = String.fromCharCode(code);
  if (code < 0x20 || code === 0x7f || '/\\%'.includes(character))
    throw new Unreadable(`servers disagree on what ${escape} means`);
  return /[\w\-.~]/.test(character) && code < 0x80 ? character : escape;
}

function escaped(text: string): string {
  if (/\p{Cs}/u.test(text)) throw new Unreadable('it is not valid text');
  return encodeURIComponent(text);
}
