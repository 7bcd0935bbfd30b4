/**
 * Paths as regular expressions that RE2, PCRE and JavaScript read alike. They match a whole path without its query, as it
 * was sent, its dot segments and repeated slashes resolved.
 */
import { partsOf, type Parameter, type PathPattern, type Segment } from './pattern.ts';

/** Accepts a path as the graph writes it, and no other spelling of it. */
export function exactExpression(path: PathPattern): string {
  return path.map((segment) => `/${exactSegment(segment)}`).join('');
}

/**
 * Accepts every spelling that some server takes for this path: other case, escaped letters, parameters behind a
 * semicolon, slashes too many. Only to take paths away from a wider operation.
 */
export function looseExpression(path: PathPattern): string {
  const segments = path.map((segment) => `/+${looseSegment(segment)}`).join('');
  return `(?i)${segments}${path.at(-1)?.kind === 'rest' ? '' : '/*'}`;
}

/**
 * Paths that a server may resolve to another one than the proxy compared: dot segments that are disguised by an escape or
 * a semicolon, empty segments and those that are nothing but parameters, slashes and escapes that are encoded twice,
 * percent signs that begin no escape, control characters, what is not ASCII as received, characters that look like a
 * slash, bytes that are not UTF-8.
 *
 * Several expressions, since Envoy by itself accepts none whose program has more than 100 instructions.
 */
export const AMBIGUOUS_PATHS: readonly string[] = [
  [
    '//|[/\\\\](?:;|%3b)',
    '[/\\\\](?:%20|%c2%a0)*(?:\\.|%2e){1,2}(?:$|[/\\\\;]|%(?:2f|5c|3b|3f|23|20|09|0)|%c2%a0)',
    '%(?:2f|5c)|\\\\',
    '%25[0-9a-f]{2}',
  ],
  [
    '%(?:$|[^0-9a-f]|[0-9a-f](?:$|[^0-9a-f]))',
    '%[01][0-9a-f]|%7f|[^\\x21\\x22\\x24-\\x7e]',
    '%e2%(?:81%84|88%95|a7%b8)|%ef%bc%(?:8f|bc)',
  ],
  ...brokenUtf8(),
].map((kinds) => `(?i).*(?:${kinds.join('|')}).*`);

/** In escapes: RFC 3629 section 4. RE2 cannot look ahead, so a byte is compared with those beside it. */
function brokenUtf8(): readonly (readonly string[])[] {
  const hex = '[0-9a-f]';
  const next = `%[89ab]${hex}`;
  const [two, three, four] = [`%[cd]${hex}`, `%e${hex}`, `%f${hex}`];
  // The three characters before a byte are an escape, or end with a character that is none.
  const plain = `^.{1,2}|[^%]..|%[0-7]${hex}`;
  const unfinished = `(?:${two}|${three}(?:${next})?|${four}(?:${next}){0,2})(?:$|[^%]|%[^89ab])`;
  const surplus = `(?:${plain}|${two}${next}|${three}(?:${next}){2}|${four}(?:${next}){3})%[89ab]`;
  return [['%c[01]', '%e0%[89]', '%ed%[ab]', '%f0%8', '%f4%[9ab]', '%f[5-9a-f]', unfinished], [surplus]];
}

function exactSegment(segment: Segment): string {
  const text = expressionOf(segment, exactText, { any: '[^/]+', digits: '[0-9]+' });
  return segment.kind === 'rest' ? `${text}.*` : text;
}

/** Escaped bytes may have hex digits of either case (RFC 3986 section 2.1). */
function exactText(text: string): string {
  return text
    .replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    .replace(/%[0-9A-F]{2}/g, (escape) => escape.replace(/[A-F]/g, (hex) => `[${hex}${hex.toLowerCase()}]`));
}

const PATH_PARAMETERS = '(?:(?:;|%3b)[^/]*)?';

function looseSegment(segment: Segment): string {
  const text = expressionOf(segment, looseText, { any: '[^/]+', digits: '(?:[0-9]|%3[0-9])+' });
  return text + (segment.kind === 'rest' ? '.*' : PATH_PARAMETERS);
}

/** Each byte, or its escape; `(?i)` stands before. */
function looseText(text: string): string {
  return text.replace(/%[0-9A-F]{2}|[^%]/g, (written) => {
    if (written.length === 3) return written;
    const spellings = new Set([written.toLowerCase(), written.toUpperCase()]);
    const escapes = Array.from(spellings, (one) => `%${one.charCodeAt(0).toString(16).padStart(2, '0')}`);
    return `(?:${exactText(written)}|${escapes.join('|')})`;
  });
}

function expressionOf(
  segment: Segment,
  textOf: (text: string) => string,
  parameters: Readonly<Record<Parameter['parameter'], string>>,
): string {
  const parts = partsOf(segment).map((part) =>
    typeof part === 'string' ? textOf(part) : parameters[part.parameter],
  );
  return parts.join('');
}
