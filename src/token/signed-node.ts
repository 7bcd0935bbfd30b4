/** A token that was just signed, as a node of the packed coding: what `pack` would find in its text. */
import { MAX_LEVELS } from './packed/nested.ts';
import type { SignedNode, TokenNode } from './packed/node.ts';
import { MAX_MEMBERS } from './packed/shapes.ts';
import type { TemplateMembers } from './payload-template.ts';

export interface SignedParts extends TemplateMembers {
  /** JSON, one character for each byte. */
  readonly header: string;
  /** By name as JSON without quotes, in the order of `embedded`; it stands behind all members. */
  readonly children: readonly { readonly name: string; readonly node: TokenNode }[];
  readonly signature: Uint8Array;
  readonly travelsNested: boolean;
  /** Characters of the token. */
  readonly length: number;
}

/** Levels of tokens that have nodes. */
export const MAX_NODE_LEVELS = MAX_LEVELS;

/** Levels of JSON in a value that stays below what the coding takes apart. */
const MAX_BRACKETS = 63;

/** @returns undefined if the coding may not split the payload into members: then the text has to be read. */
export function signedNode(parts: SignedParts): SignedNode | undefined {
  const { header, names, values, children, signature, travelsNested, length } = parts;
  if (names.length > MAX_MEMBERS || values.some(mayBeDeep)) return undefined;
  const childrenAt = children.length === 0 ? 0 : names.length;
  const payload = { kind: 'members', names, values, childrenAt, children } as const;
  return { kind: 'signed', header, payload, signature: bytesText(signature), travelsNested, length };
}

/** One character for each byte. */
function bytesText({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}

function mayBeDeep(value: string): boolean {
  if (value.length <= MAX_BRACKETS || !/^[[{]/.test(value)) return false;
  return value.split(/[[{]/).length - 1 > MAX_BRACKETS;
}
