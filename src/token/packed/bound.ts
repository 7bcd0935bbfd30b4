/** What a token's record can take in a bundle, wherever it stands: bounds that a planner adds up. */

import { base64urlLength } from './node.ts';
import type { MembersPayload, SignedNode, TokenNode } from './node.ts';
import { Guesses, labelOf, unknownToken, valueOf } from './guesses.ts';
import type { Known } from './guesses.ts';
import { MAX_GUESSES, dottedBytes, framed, numberBytes, partBytes } from './literals.ts';
import { jsonName } from './nested.ts';
import { PACKED_PREFIX } from './prefix.ts';
import { FIRST_SHAPES, isShape, longestBase } from './shapes.ts';
import { spelled } from './values.ts';
import { wordBound } from './words.ts';

/** A token that has children, and those above it. */
export interface Placed {
  /** The name under which it is embedded; of the root, any. */
  readonly name: string;
  readonly node: SignedNode;
  readonly parent?: Placed | undefined;
}

/** Room for a number that depends on what else is in the tree: up to 2 million of anything. */
const NUMBER_ROOM = 3;

/**
 * The most bytes that a token takes in a bundle, before base64url, with its signature and its name and without its
 * children. What stands beside it, or below it, does not matter: bounds of the tokens of any tree can be added up,
 * and `packedLength` of the sum is at least `packedBound` of the tree if it has more than the root.
 *
 * @param name under which the parent embeds it.
 * @param parent undefined for the root.
 */
export function recordBound(node: TokenNode, name = '', parent?: Placed): number {
  // The count of the children takes no more than one byte for each.
  const embedding = parent === undefined ? 0 : wordBound(jsonName(name)) + 1;
  if (node.kind === 'opaque') return embedding + 1 + dottedBytes(node.text);
  const fixed = embedding + headerBound(node, parent?.node) + node.signature.length;
  if (node.payload.kind === 'raw') {
    const { length } = node.payload.bytes;
    return fixed + 1 + numberBytes(length) + length;
  }
  const known = unknownToken(jsonName(name), parent && knownOf(parent), node.payload.names);
  return fixed + shapeBound(node.payload, parent?.node) + valuesBound(node.payload, known);
}

/** Characters of a packed token whose records take so many bytes. */
export function packedLength(recordBytes: number): number {
  return PACKED_PREFIX.length + base64urlLength(numberBytes(2 * recordBytes) + recordBytes);
}

function knownOf({ name, node, parent }: Placed): Known {
  const { names, values } = node.payload.kind === 'members' ? node.payload : { names: [], values: [] };
  const known = unknownToken(jsonName(name), parent && knownOf(parent), names);
  known.values.push(...values);
  if (parent === undefined) known.name = labelOf(valueOf(known, 'aud') ?? '');
  return known;
}

/** Nothing for a header like the parent's; another is spelled out, and the one after it has to be named again. */
function headerBound({ header, signature }: SignedNode, parent: SignedNode | undefined): number {
  if (parent?.header === header && parent.signature.length === signature.length) return 0;
  const frame = framed(header);
  return 1 + (frame ? partBytes(frame.kid) : header.length + 1) + numberBytes(signature.length) + NUMBER_ROOM;
}

/** The tag, and the shape where it is neither known from the beginning nor the parent's. */
function shapeBound({ names, childrenAt, children }: MembersPayload, parent: SignedNode | undefined): number {
  const at = children.length === 0 || childrenAt === names.length ? undefined : childrenAt;
  if (FIRST_SHAPES.some((shape) => isShape(shape, names, at))) return 1;
  const above = parent?.payload.kind === 'members' ? parent.payload : undefined;
  const aboveAt = above?.childrenAt === above?.names.length ? undefined : above?.childrenAt;
  if (above && aboveAt === at && isShape({ names: above.names, childrenAt: aboveAt }, names, at))
    return NUMBER_ROOM;
  const added = names.slice(FIRST_SHAPES[longestBase(FIRST_SHAPES, names)]!.names.length);
  const spelledOut = added.reduce((sum, name) => sum + name.length + 1, 0);
  return NUMBER_ROOM + NUMBER_ROOM + numberBytes(added.length) + spelledOut + 1;
}

function valuesBound({ names, values }: MembersPayload, token: Known): number {
  const guesses = new Guesses();
  let sum = Math.max(1, Math.ceil(names.length / 7));
  names.forEach((name, i) => {
    sum += valueBound(guesses, token, i, name, values[i]!);
    token.values.push(values[i]!);
    if (name === 'aud' && token.parent === undefined) token.name = labelOf(values[i]!);
  });
  return sum;
}

function valueBound(guesses: Guesses, token: Known, index: number, name: string, value: string): number {
  for (let rank = 0; rank < MAX_GUESSES; rank += 1) {
    if (guesses.guess(token, index, rank) !== value) continue;
    // A sibling's `act` and an earlier `scope` are guessed first, if there are any.
    return rank === 0 && name !== 'act' && name !== 'scope' ? 0 : 1;
  }
  const { bytes, words = [], dotted } = spelled(token, name, value);
  const wordBytes = words.reduce((sum, word) => sum + wordBound(word), 0);
  return bytes.length + wordBytes + (dotted === undefined ? 0 : dottedBytes(dotted));
}
