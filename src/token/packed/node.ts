/**
 * A token taken apart, so that a child can be taken out and packed by itself without decoding anything again.
 *
 * Texts are JSON as it stands in the token, one character for each byte (latin1): nothing is escaped, unescaped or
 * decoded on the way, so bytes that are no UTF-8 come back too.
 */

import { base64urlLength } from '../../protocol.ts';
import type { Shape } from './shapes.ts';

export type TokenNode = SignedNode | OpaqueNode;

/** What is no JWT that can be taken apart: a JWE, base64url that is not canonical. */
export interface OpaqueNode {
  readonly kind: 'opaque';
  /** As it stands between the quotes of its parent's payload. */
  readonly text: string;
  readonly length: number;
}

export interface SignedNode {
  readonly kind: 'signed';
  readonly header: string;
  readonly payload: Payload;
  /** Its bytes, one character for each: a slice of the bundle is kept where every `Buffer` would cost ten times as much. */
  readonly signature: string;
  /** Whether it has children and a receiver that takes them only as JWTs: then it is never packed by itself. */
  readonly travelsNested: boolean;
  /** Characters of the nested token. */
  readonly length: number;
  /** The nested token, where someone holds it anyway. (A WeakMap would keep it until the next full collection.) */
  nested?: string | undefined;
}

/** What has a payload of members. */
export type MembersNode = SignedNode & { readonly payload: MembersPayload };

/** Raw bytes, or members without a blank between. */
export type Payload = RawPayload | MembersPayload;

export function hasChildren(node: TokenNode): node is MembersNode {
  return node.kind === 'signed' && node.payload.kind === 'members' && node.payload.children.length > 0;
}

export interface RawPayload {
  readonly kind: 'raw';
  /** One character for each. */
  readonly bytes: string;
}

export interface MembersPayload {
  readonly kind: 'members';
  /** Names as JSON without quotes, the children's member not among them. */
  readonly names: readonly string[];
  /** What is known of the names, where it comes out of a bundle. */
  readonly shape?: Shape | undefined;
  /** One JSON text for each name. */
  readonly values: readonly string[];
  /** How many members stand before `embedded`; without meaning where there are no children. */
  readonly childrenAt: number;
  readonly children: readonly ChildNode[];
}

export interface ChildNode {
  /** As JSON without quotes. */
  readonly name: string;
  readonly node: TokenNode;
}

/** Length of the JSON text of the members. */
export function payloadLength({
  names,
  values,
  children,
}: Omit<MembersPayload, 'kind' | 'childrenAt'>): number {
  let length = 1;
  for (const name of names) length += name.length + 4;
  for (const value of values) length += value.length;
  if (children.length > 0) length += '"embedded":{},'.length - 1;
  for (const { name, node } of children) length += name.length + node.length + '"":"",'.length;
  return names.length + children.length === 0 ? 2 : length;
}

export function signedLength(header: number, payload: number, signature: number): number {
  return base64urlLength(header) + base64urlLength(payload) + base64urlLength(signature) + 2;
}
