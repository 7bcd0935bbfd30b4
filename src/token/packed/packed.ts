/**
 * The packed transport coding of token trees: the same tokens, byte for byte, in little more than their signatures.
 *
 * A token without children always travels as the bare JWT that it is. What has children can be packed by anyone,
 * since no key is needed: a service unpacks its token, takes a child, and packs that.
 */

import { WaybillError } from '../../errors.ts';
import { readBundle, storedLength, writeAgain, writeBundle, type UnpackLimits } from './bundle.ts';
import { PLAIN } from './format.ts';
import { jsonName, latin1, readNested, writeNested } from './nested.ts';
import {
  hasChildren,
  payloadLength,
  signedLength,
  type MembersNode,
  type MembersPayload,
  type SignedNode,
  type TokenNode,
} from './node.ts';
import { isPacked } from './prefix.ts';

export interface PackOptions {
  /**
   * Tokens that must travel nested, since their receivers take nothing else: for each the names from the root's child
   * down to it, `['cart', 'stock']`; `[]` is the root. Whoever takes such a token out and packs it gets the nested JWT.
   * Costs no byte. Tokens without children travel bare in any case. Default none.
   */
  readonly nestedFor?: readonly (readonly string[])[] | undefined;
}

/**
 * Packs a token, whatever it is made of.
 *
 * @param nested a compact token with its children nested in it; not bounded here, so not for hostile input.
 * @returns the packed token; `nested` itself where it has no children, must travel nested, or is no JWT that could be
 *   taken apart.
 * @throws WaybillError `token_packed` for a token that is packed already. TypeError for a path in `nestedFor` that leads
 *   to no token.
 *
 * @example
 * ```ts
 * import { pack, unpack } from 'waybill';
 *
 * declare const nested: string;
 * const packed = pack(nested);
 * console.log(packed.length < nested.length, unpack(packed) === nested);
 * ```
 */
export function pack(nested: string, { nestedFor = [] }: PackOptions = {}): string {
  if (isPacked(nested)) throw new WaybillError('token_packed', 'the token is packed already');
  return packNode(nestedFor.reduce<TokenNode>(travellingNested, readNested(nested)));
}

/** The same tree, with the token at the end of the path marked. */
function travellingNested(node: TokenNode, [name, ...path]: readonly string[]): TokenNode {
  if (name === undefined) return hasChildren(node) ? { ...node, travelsNested: true } : node;
  const wanted = jsonName(name);
  const payload = node.kind === 'signed' && node.payload.kind === 'members' ? node.payload : undefined;
  if (node.kind !== 'signed' || !payload?.children.some((child) => child.name === wanted)) {
    throw new TypeError('a path in nestedFor leads to no token');
  }
  const children = payload.children.map((child) =>
    child.name === wanted ? { ...child, node: travellingNested(child.node, path) } : child,
  );
  return { ...node, payload: { ...payload, children } };
}

/**
 * Unpacks a token: the nested JWT, byte for byte. Says nothing about who signed it. A token that is not packed comes
 * back as it is.
 *
 * @throws WaybillError `token_too_large` over `maxPackedBytes`; `token_tree_too_large` over another limit;
 *   `token_packed` for what the coding does not allow.
 *
 * @example
 * ```ts
 * import { unpack } from 'waybill';
 *
 * declare const token: string;
 * const nested = unpack(token, { maxNestedBytes: 64 * 1024, maxTokens: 100 });
 * ```
 */
export function unpack(token: string, limits: UnpackLimits = {}): string {
  return isPacked(token) ? writeNested(unpackNode(token, limits)) : token;
}

/**
 * Unpacks a token into nodes, of which each can be written out or packed by itself: what a service needs that verifies
 * its own token and sends a child on.
 *
 * @throws WaybillError as `unpack` does; `token_packed` for a token that is not packed.
 */
export function unpackNode(packed: string, limits: UnpackLimits = {}): MembersNode {
  return readBundle(packed, limits);
}

/** The nested JWT of a node. */
export function nestedOf(node: TokenNode): string {
  return (node.kind === 'signed' ? node.nested : undefined) ?? writeNested(node);
}

/**
 * Takes note of what `nestedOf` would write for the children of a token, where its payload holds just that.
 *
 * @param written by `writeParts`.
 * @param embedded out of the payload: an equal text is taken from here, since it is kept anyway.
 */
export function rememberNested(
  { payload: { children } }: MembersNode,
  written: readonly string[],
  embedded: readonly string[],
): void {
  embedded.forEach((text, i) => {
    const node = children[i]?.node;
    if (node?.kind === 'signed' && written[i] === text) node.nested = text;
  });
}

/**
 * The child that a token embeds under this name. Undefined where there is none, and where token or child are not written
 * as tokens are: then it has to be looked for in the nested token.
 */
export function childOf({ payload }: SignedNode, name: string): TokenNode | undefined {
  const wanted = jsonName(name);
  const children = payload.kind === 'members' ? payload.children : [];
  const node = children.find((child) => child.name === wanted)?.node;
  return node?.kind === 'opaque' && !PLAIN.test(node.text) ? undefined : node;
}

/** Packs a node: `pack` for one that has been taken apart already. What must travel nested comes back nested. */
export function packNode(node: TokenNode): string {
  if (!hasChildren(node) || node.travelsNested) return writeNested(node);
  return writeBundle(node) ?? writeNested(node);
}

/**
 * The same for one out of a bundle. Whatever a reader makes, a writer can write: it is not read back to see.
 */
export function packAgain(node: TokenNode): string {
  if (!hasChildren(node) || node.travelsNested) return writeNested(node);
  return writeAgain(node);
}

/**
 * The most bytes that a packed token takes: its size with the body stored, which is the most. Grows with
 * every value and every token, and costs a few µs a token.
 */
export function packedBound(node: TokenNode): number {
  return hasChildren(node) ? storedLength(node) : node.length;
}

/**
 * A token that is not signed yet, for `packedBound`.
 *
 * @param header as JSON.
 * @param claims without `embedded`.
 * @param children by name, in order.
 * @param signature any characters, one for each byte that it will have.
 */
export function unsignedNode(
  header: string,
  claims: object,
  children: readonly (readonly [name: string, node: TokenNode])[],
  signature: string,
): SignedNode {
  const entries = Object.entries(claims);
  const names = entries.map(([name]) => jsonName(name));
  const values = entries.map(([, value]) => latin1(JSON.stringify(value)));
  const named = children.map(([name, node]) => ({ name: jsonName(name), node }));
  const payload: MembersPayload = {
    kind: 'members',
    names,
    values,
    childrenAt: names.length,
    children: named,
  };
  const text = latin1(header);
  const length = signedLength(text.length, payloadLength(payload), signature.length);
  return {
    kind: 'signed',
    header: text,
    payload,
    signature,
    travelsNested: false,
    length,
  };
}
