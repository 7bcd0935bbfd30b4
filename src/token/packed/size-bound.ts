/** What a token's record can take in a bundle, wherever it stands: bounds that a planner adds up. */

import { base64urlLength } from '../../protocol.ts';
import type { MembersPayload, SignedNode, TokenNode } from './node.ts';
import { Predictor } from './predictor.ts';
import { PartialToken, aroundName, labelOf, valueOf } from './partial-token.ts';
import { MAX_PREDICTIONS, dottedBytes, framed, numberBytes, partBytes } from './format.ts';
import { jsonName, latin1 } from './nested.ts';
import { PACKED_PREFIX } from './prefix.ts';
import { FIRST_SHAPES, longestBase, shapeAt } from './shapes.ts';
import { spelled } from './spelling.ts';
import { wordBound } from './words.ts';

/** A token and its position in a tree. */
export class TokenPosition {
  readonly node: SignedNode;
  readonly parent: TokenPosition | undefined;
  /** Tokens above it. */
  readonly level: number;
  /** What is known of it to those below. */
  readonly known: PartialToken;

  /** @param name under which it is embedded; of the root, any. */
  constructor(name: string, node: SignedNode, parent?: TokenPosition) {
    const { names, values } = node.payload.kind === 'members' ? node.payload : NO_MEMBERS;
    this.node = node;
    this.parent = parent;
    this.level = parent ? parent.level + 1 : 0;
    this.known = new PartialToken(jsonName(name), parent?.known, { names });
    this.known.values.push(...values);
    if (!parent) this.known.name = labelOf(valueOf(this.known, 'aud') ?? '');
  }

  get first(): TokenPosition {
    return this.parent?.first ?? this;
  }
}

const NO_MEMBERS = { names: [], values: [] };

/** A token this many levels above another affects its size only by its audience. */
const FAR = 3;

/**
 * Of a token's places all below which something may weigh differently. They differ in the tokens above: in how many, as
 * long as these are few, and in what the first one's audience says of others.
 */
export function distinctPositions(places: readonly TokenPosition[]): TokenPosition[] {
  const told = new Set<string>();
  return places.filter((place) => {
    if (place.level + 1 < FAR) return true;
    return told.size < told.add(JSON.stringify(aroundName(place.first.known))).size;
  });
}

/** Room for a number that depends on what else is in the tree: up to 2 million of anything. */
const NUMBER_ROOM = 3;

/**
 * The most bytes that a token takes in a bundle, before base64url, with its signature and its name and without its
 * children. What stands beside it, or below it, does not matter, nor which members its parent has: bounds of the tokens
 * of any tree can be added up, and `packedLength` of the sum is at least `packedBound` of the tree if it has more than
 * the root.
 *
 * @param name under which the parent embeds it.
 * @param parent undefined for the root.
 */
export function recordBound(node: TokenNode, name = '', parent?: TokenPosition): number {
  // The count of the children takes no more than one byte for each.
  const embedding = parent === undefined ? 0 : wordBound(jsonName(name)) + 1;
  if (node.kind === 'opaque') return embedding + 1 + dottedBytes(node.text);
  const fixed = embedding + headerBound(node, parent?.node) + node.signature.length;
  if (node.payload.kind === 'raw') {
    const { length } = node.payload.bytes;
    return fixed + 1 + numberBytes(length) + length;
  }
  const known = new PartialToken(jsonName(name), parent?.known, { names: node.payload.names });
  return fixed + shapeBound(node.payload) + valuesBound(node.payload, known);
}

/**
 * What the record of a token takes more, at the most, with one more member behind all that it has.
 *
 * @param value anything that JSON has.
 */
export function memberBound({ node, known }: TokenPosition, member: string, value: unknown): number {
  if (node.payload.kind === 'raw') throw new TypeError('a payload that is not taken apart has no members');
  const { payload } = node;
  const name = jsonName(member);
  const names = [...payload.names, name];
  const shape = shapeBound({ ...payload, names }) - shapeBound(payload);
  const text = latin1(JSON.stringify(value));
  const more = valueBound(new Predictor(), { ...known, members: { names } }, names.length - 1, name, text);
  return shape + maskBytes(names.length) - maskBytes(payload.names.length) + more;
}

/**
 * What the record of a sealed token takes, at the most, with its name.
 *
 * @param chars of the JWE, of whose five parts one more is spelled out than is likely.
 */
export function sealedBound(name: string, chars: number): number {
  const parts = 5 * NUMBER_ROOM + UNLUCKY_PART;
  return wordBound(jsonName(name)) + 1 + 1 + 1 + Math.ceil((chars * 3) / 4) + parts;
}

/** A short part without capitals and digits is not taken for random bytes. */
const UNLUCKY_PART = 16;

/** Characters of a packed token whose records take so many bytes. */
export function packedLength(recordBytes: number): number {
  return PACKED_PREFIX.length + base64urlLength(numberBytes(2 * recordBytes) + recordBytes);
}

/** Nothing for a header like the parent's; another is spelled out, and the one after it has to be named again. */
function headerBound({ header, signature }: SignedNode, parent: SignedNode | undefined): number {
  if (parent?.header === header && parent.signature.length === signature.length) return 0;
  const frame = framed(header);
  return 1 + (frame ? partBytes(frame.kid) : header.length + 1) + numberBytes(signature.length) + NUMBER_ROOM;
}

/** The tag, and the shape where it is not known from the beginning. */
function shapeBound({ names, childrenAt, children }: MembersPayload): number {
  const at = children.length === 0 || childrenAt === names.length ? undefined : childrenAt;
  if (shapeAt(FIRST_SHAPES, names, at) >= 0) return 1;
  const added = names.slice(FIRST_SHAPES[longestBase(FIRST_SHAPES, names)]!.names.length);
  const spelledOut = added.reduce((sum, name) => sum + name.length + 1, 0);
  return NUMBER_ROOM + NUMBER_ROOM + numberBytes(added.length) + spelledOut + 1;
}

/** Which members are no first prediction. */
function maskBytes(members: number): number {
  return Math.max(1, Math.ceil(members / 7));
}

function valuesBound({ names, values }: MembersPayload, token: PartialToken): number {
  const predictor = new Predictor();
  let sum = maskBytes(names.length);
  names.forEach((name, i) => {
    sum += valueBound(predictor, token, i, name, values[i]!);
    token.values.push(values[i]!);
    if (name === 'aud' && token.parent === undefined) token.name = labelOf(values[i]!);
  });
  return sum;
}

function valueBound(
  predictor: Predictor,
  token: PartialToken,
  index: number,
  name: string,
  value: string,
): number {
  for (let rank = 0; rank < MAX_PREDICTIONS; rank += 1) {
    if (predictor.isPrediction(token, index, rank, value) !== true) continue;
    // A sibling's `act` and an earlier `scope` are predicted first, if there are any.
    return rank === 0 && name !== 'act' && name !== 'scope' ? 0 : 1;
  }
  const { bytes, words = [], dotted } = spelled(token, name, value);
  const wordBytes = words.reduce((sum, word) => sum + wordBound(word), 0);
  return bytes.length + wordBytes + (dotted === undefined ? 0 : dottedBytes(dotted));
}
