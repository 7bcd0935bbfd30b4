/**
 * The packed transport coding of token trees: the same tokens, byte for byte, in little more than their signatures.
 *
 * A token without children always travels as the bare JWT that it is. What has children can be packed by anyone,
 * since no key is needed: a hop unpacks, takes its child, and packs it again.
 */

import { WaybillError } from '../../errors.ts';
import { PACKED_PREFIX, readBundle, storedBytes, writeBundle } from './bundle.ts';
import type { UnpackLimits } from './bundle.ts';
import { readNested, writeNested } from './nested.ts';
import type { SignedNode, TokenNode } from './node.ts';

export function isPacked(token: string): boolean {
  return token.startsWith(PACKED_PREFIX);
}

/**
 * Packs a token, whatever it is made of.
 *
 * @param nested a compact token with its children nested in it; not bounded here, so not for hostile input.
 * @returns the packed token; `nested` itself where it has no children, or is no JWT that could be taken apart.
 * @throws WaybillError `token_packed` for a token that is packed already.
 */
export function pack(nested: string): string {
  if (isPacked(nested)) throw new WaybillError('token_packed', 'the token is packed already');
  return packNode(readNested(nested));
}

/**
 * Unpacks a token: the nested JWT, byte for byte. Says nothing about who signed it. A token that is not packed comes
 * back as it is.
 *
 * @throws WaybillError `token_too_large` over `maxPackedBytes`; `token_tree_too_large` over another limit;
 *   `token_packed` for what the coding does not allow.
 */
export function unpack(token: string, limits: UnpackLimits = {}): string {
  return isPacked(token) ? writeNested(unpackNode(token, limits)) : token;
}

/** Unpacks a token into nodes, of which each can be packed or written out by itself. Throws as `unpack` does. */
export function unpackNode(packed: string, limits: UnpackLimits = {}): SignedNode {
  return readBundle(packed, limits);
}

/** Packs a node: for a hop that sends on a child of what it unpacked. */
export function packNode(node: TokenNode): string {
  if (!hasChildren(node)) return writeNested(node);
  const packed = writeBundle(node);
  const nested = writeNested(node);
  // The one check that all of the above is lossless: should it ever not be, the token travels nested.
  const unbounded = { maxPackedBytes: Infinity, maxNestedBytes: Infinity, maxTokens: Infinity };
  return writeNested(readBundle(packed, unbounded)) === nested ? packed : nested;
}

/**
 * The most bytes that a packed token can have: its size with the body stored, which needs no model and can be taken
 * before anything is signed.
 */
export function packedBound(node: TokenNode): number {
  return hasChildren(node) ? storedBytes(node) : node.length;
}

function hasChildren(node: TokenNode): node is SignedNode {
  return node.kind === 'signed' && node.payload.kind === 'members' && node.payload.children.length > 0;
}
