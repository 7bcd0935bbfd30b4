/** Nested text to nodes and back: the base64url and the JSON of a tree, each level once. */

import { isJsonObject, parseObject } from '../json.ts';
import type { MembersPayload, Payload, SignedNode, TokenNode } from './node.ts';
import { MAX_MEMBERS } from './shapes.ts';

/** Levels that a bundle can have; what lies deeper stays a string. */
export const MAX_LEVELS = 64;

/** ASCII that is in JSON as it is: what any token is made of. */
export const PLAIN = /^[ !#-[\]-~]*$/;

/** Takes a token apart, and those that it embeds. Any string is a token here; what is no JWS is opaque. */
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
  const [header, payload, signature] = parts.map(canonicalBytes);
  // A text ends at a zero byte in the body, so a header that holds one cannot be coded.
  if (!header || !payload || !signature || header.includes(0)) return undefined;
  return {
    kind: 'signed',
    header: header.toString('latin1'),
    payload: readMembers(payload.toString('latin1'), depth) ?? { kind: 'raw', bytes: payload },
    signature,
    travelsNested: false,
    length: text.length,
  };
}

/** @returns undefined for anything but base64url in its one canonical form (RFC 4648 section 3.5). */
export function canonicalBytes(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url');
  return bytes.length === Math.floor((part.length * 3) / 4) && bytes.toString('base64url') === part
    ? bytes
    : undefined;
}

/** @returns undefined where the text is not, byte for byte, an object as `JSON.stringify` writes it. */
function readMembers(text: string, depth: number): MembersPayload | undefined {
  const object = parseObject(text);
  if (object === undefined) return undefined;
  const names: string[] = [];
  const values: string[] = [];
  let embedded: readonly (readonly [name: string, token: string])[] = [];
  let childrenAt = 0;
  for (const [name, value] of Object.entries(object)) {
    if (name === 'embedded' && isTokenMap(value)) {
      embedded = Object.entries(value).map(([callee, token]) => [jsonInner(callee), jsonInner(token)]);
      childrenAt = names.length;
    } else {
      names.push(jsonInner(name));
      values.push(JSON.stringify(value));
    }
  }
  // A repeated member, a blank, another spelling of a number or a letter: the text is not what this would write.
  if (names.length > MAX_MEMBERS || jsonOf(names, values, childrenAt, embedded) !== text) return undefined;
  const children = embedded.map(([name, token]) => ({ name, node: readNested(token, depth + 1) }));
  return { kind: 'members', names, values, childrenAt, children };
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

function jsonOf(
  names: readonly string[],
  values: readonly string[],
  childrenAt: number,
  embedded: readonly (readonly [name: string, token: string])[],
): string {
  const members = names.map((name, i) => `"${name}":${values[i]!}`);
  if (embedded.length > 0) {
    const tokens = embedded.map(([name, token]) => `"${name}":"${token}"`);
    members.splice(childrenAt, 0, `"embedded":{${tokens.join(',')}}`);
  }
  return `{${members.join(',')}}`;
}

/** Puts the nested token together again. */
export function writeNested(node: TokenNode): string {
  if (node.kind === 'opaque') return node.text;
  const { header, payload, signature } = node;
  return `${base64url(header)}.${writePayload(payload)}.${Buffer.from(signature).toString('base64url')}`;
}

function writePayload(payload: Payload): string {
  if (payload.kind === 'raw') return Buffer.from(payload.bytes).toString('base64url');
  const { names, values, childrenAt, children } = payload;
  const embedded = children.map(({ name, node }) => [name, writeNested(node)] as const);
  return base64url(jsonOf(names, values, childrenAt, embedded));
}

function base64url(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('base64url');
}

/** A name as JSON without its quotes, one character for each byte. */
export function jsonName(name: string): string {
  return latin1(jsonInner(name));
}

/** The UTF-8 bytes of a text, one character for each. */
export function latin1(text: string): string {
  return PLAIN.test(text) ? text : Buffer.from(text).toString('latin1');
}
