/** Nested text to nodes and back: the base64url and the JSON of a tree, each level once. */

import { isJsonObject, parseObject } from '../json.ts';
import type { ChildNode, MembersPayload, Payload, SignedNode, TokenNode } from './node.ts';
import { MAX_MEMBERS } from './shapes.ts';

/** Levels that a bundle can have; what lies deeper stays a string. */
export const MAX_LEVELS = 64;

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
  let children: readonly ChildNode[] = [];
  let childrenAt = 0;
  let embedded = '';
  for (const [name, value] of Object.entries(object)) {
    if (name === 'embedded' && isTokenMap(value)) {
      embedded = JSON.stringify(value);
      childrenAt = names.length;
      children = Object.entries(value).map(([callee, token]) => ({
        name: inner(callee),
        node: readNested(inner(token), depth + 1),
      }));
    } else {
      names.push(inner(name));
      values.push(JSON.stringify(value));
    }
  }
  if (names.length > MAX_MEMBERS) return undefined;
  const members = names.map((name, i) => `"${name}":${values[i]!}`);
  if (children.length > 0) members.splice(childrenAt, 0, `"embedded":${embedded}`);
  if (`{${members.join(',')}}` !== text) return undefined;
  return { kind: 'members', names, values, childrenAt, children };
}

function isTokenMap(value: unknown): value is Readonly<Record<string, string>> {
  if (!isJsonObject(value)) return false;
  const tokens = Object.values(value);
  return tokens.length > 0 && tokens.every((token) => typeof token === 'string');
}

/** A string as JSON, without its quotes. */
function inner(text: string): string {
  return JSON.stringify(text).slice(1, -1);
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
  const members = names.map((name, i) => `"${name}":${values[i]!}`);
  if (children.length > 0) {
    const tokens = children.map(({ name, node }) => `"${name}":"${writeNested(node)}"`);
    members.splice(childrenAt, 0, `"embedded":{${tokens.join(',')}}`);
  }
  return base64url(`{${members.join(',')}}`);
}

function base64url(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('base64url');
}
