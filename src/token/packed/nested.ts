/** Nested text to nodes and back: the base64url and the JSON of a tree, each level once. */

import { attempt } from '../../input/attempt.ts';
import { fromBase64url } from '../base64url.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { MembersNode, MembersPayload, Payload, SignedNode, TokenNode } from './node.ts';
import { PLAIN } from './format.ts';
import { MAX_MEMBERS } from './shapes.ts';
import { countSteps } from './work.ts';

/** Levels that a bundle can have; what lies deeper stays a string. */
export const MAX_LEVELS = 64;

/** Levels of JSON that a payload can have; what has more stays raw. */
const MAX_JSON_LEVELS = 64;

/** Takes a token and its embedded tokens apart. Any string is a token here; what is not a JWS is opaque. */
export function readNested(text: string, depth = 1): TokenNode {
  return (
    (depth > MAX_LEVELS ? undefined : readSigned(text, depth)) ?? {
      kind: 'opaque',
      text,
      length: text.length,
    }
  );
}

function readSigned(text: string, depth: number): SignedNode | undefined {
  const parts = text.split('.', 4);
  if (parts.length !== 3) return undefined;
  const [header, payload, signature] = parts.map(fromBase64url);
  // A text ends at a zero byte in the body, so a header that holds one cannot be coded.
  if (!header || !payload || !signature || header.includes(0)) return undefined;
  const bytes = payload.toString('latin1');
  return {
    kind: 'signed',
    header: header.toString('latin1'),
    payload: readMembers(bytes, depth) ?? { kind: 'raw', bytes },
    signature: signature.toString('latin1'),
    travelsNested: false,
    length: text.length,
  };
}

/** @returns undefined where the text is not, byte for byte, an object as `JSON.stringify` writes it. */
function readMembers(text: string, depth: number): MembersPayload | undefined {
  const object = attempt<unknown>(() => JSON.parse(text));
  if (!isJsonObject(object)) return undefined;
  // Where nothing is escaped, which is nearly always, strings are what stands between the quotes.
  const found = membersOf(object, text, (string) => string) ?? membersOf(object, text, jsonInner);
  if (found === undefined) return undefined;
  const { embedded, ...members } = found;
  const children = embedded.map(({ name, token }) => ({ name, node: readNested(token, depth + 1) }));
  return { kind: 'members', ...members, children };
}

interface Embedded {
  readonly name: string;
  readonly token: string;
}

/** @param inner a string as JSON without its quotes. @returns undefined where that does not make the text. */
function membersOf(object: JsonObject, text: string, inner: (text: string) => string) {
  const names: string[] = [];
  const values: string[] = [];
  let embedded: readonly Embedded[] = [];
  let childrenAt = 0;
  for (const name of Object.keys(object)) {
    const value = object[name];
    if (name === 'embedded' && isTokenMap(value)) {
      embedded = Object.keys(value).map((callee) => ({ name: inner(callee), token: inner(value[callee]!) }));
      childrenAt = names.length;
      continue;
    }
    if (!isWithin(value, MAX_JSON_LEVELS - 1)) return undefined;
    names.push(inner(name));
    values.push(typeof value === 'string' ? `"${inner(value)}"` : JSON.stringify(value));
  }
  // A repeated member, a blank, another spelling of a number or a letter: the text is not what this would write.
  const tokens = embedded.map(({ token }) => token);
  const json = jsonOf({ names, values, childrenAt }, embeddedText(embedded, tokens));
  if (names.length > MAX_MEMBERS || json !== text) return undefined;
  return { names, values, childrenAt, embedded };
}

/** Whether a value has at most so many levels of objects and arrays: `JSON.stringify` does not take any depth. */
function isWithin(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isWithin(inner, levels - 1));
}

function isTokenMap(value: unknown): value is Readonly<Record<string, string>> {
  if (!isJsonObject(value)) return false;
  const tokens = Object.values(value);
  return tokens.length > 0 && tokens.every((token) => typeof token === 'string');
}

/** A string as JSON, without its quotes. */
function jsonInner(text: string): string {
  return PLAIN.test(text) ? text : JSON.stringify(text).slice(1, -1);
}

/** @param embedded the children's member, or nothing. Nothing is cut from long texts, since that would copy them. */
function jsonOf(
  { names, shape, values, childrenAt }: Omit<MembersPayload, 'kind' | 'children'>,
  embedded: string,
): string {
  if (names.length === 0) return `{${embedded}}`;
  const at = embedded === '' ? Infinity : childrenAt;
  let text = `${at === 0 ? `{${embedded},` : '{'}"${names[0]!}":${values[0]!}`;
  for (let i = 1; i < names.length; i += 1) {
    if (i === at) text += `,${embedded}`;
    text += (shape?.leads[i] ?? `,"${names[i]!}":`) + values[i]!;
  }
  return at >= names.length && embedded !== '' ? `${text},${embedded}}` : `${text}}`;
}

function embeddedText(children: readonly { readonly name: string }[], tokens: readonly string[]): string {
  if (children.length === 0) return '';
  let text = `"embedded":{"${children[0]!.name}":"${tokens[0]!}"`;
  for (let i = 1; i < children.length; i += 1) text += `,"${children[i]!.name}":"${tokens[i]!}"`;
  return `${text}}`;
}

/** Writes the nested token. */
export function writeNested(node: TokenNode): string {
  return written(node, new Map());
}

/** A token with children in its parts, and theirs. */
export interface WrittenParts {
  /** In base64url. */
  readonly header: string;
  /** In base64url. */
  readonly payload: string;
  /** What the payload decodes to, one character for each byte. */
  readonly json: string;
  /** The children's nested tokens, in their order. */
  readonly embedded: readonly string[];
}

/** The parts of the nested token, for its verification. */
export function writeParts({ header, payload }: MembersNode): WrittenParts {
  const headers = new Map([[header, base64url(header)]]);
  const { children } = payload;
  const embedded = children.map(({ node }) => written(node, headers));
  const json = jsonOf(payload, embeddedText(children, embedded));
  return { header: headers.get(header)!, payload: base64url(json), json, embedded };
}

/** @param headers what was written so far: most tokens of a tree have the same. */
function written(node: TokenNode, headers: Map<string, string>): string {
  if (node.kind === 'opaque') return node.text;
  const { header, payload, signature } = node;
  let first = headers.get(header);
  if (first === undefined) {
    first = base64url(header);
    headers.set(header, first);
  }
  return `${first}.${writtenPayload(payload, headers)}.${base64url(signature)}`;
}

function writtenPayload(payload: Payload, headers: Map<string, string>): string {
  if (payload.kind === 'raw') return base64url(payload.bytes);
  const { children } = payload;
  const embedded = children.map(({ node }) => written(node, headers));
  return base64url(jsonOf(payload, embeddedText(children, embedded)));
}

/** A buffer for conversions; longer texts get one of their own. */
const scratch = Buffer.allocUnsafeSlow(32_768);

/** @param latin1 one character for each byte. */
export function base64url(latin1: string): string {
  // Put together, made bytes, and made text.
  countSteps(4 * latin1.length);
  if (latin1.length > scratch.length) return Buffer.from(latin1, 'latin1').toString('base64url');
  return scratch.toString('base64url', 0, scratch.write(latin1, 0, 'latin1'));
}

/** A name as JSON without its quotes, one character for each byte. */
export function jsonName(name: string): string {
  return latin1(jsonInner(name));
}

/** The UTF-8 bytes of a text, one character for each. */
export function latin1(text: string): string {
  return PLAIN.test(text) ? text : Buffer.from(text).toString('latin1');
}
