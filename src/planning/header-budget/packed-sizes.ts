/**
 * Packed sizes of the tokens of a tree, before anything is signed. In: measured tokens, and the values that they will
 * carry. Out: how each token travels, an upper bound of its size (the body stored, not compressed), and its real size.
 *
 * Signatures follow the body uncompressed, so the real size is known once `txn`, `iat` and `exp` are. Only `held` is
 * random; the bytes that it can take more are added.
 */
import { base64urlLength } from '../../protocol.ts';
import { packNode, packedBound, type SignedNode, type TokenNode } from '../../token/index.ts';
import { isPackable, type Coding } from './coding.ts';
import { onDemandOf, type Measure, type MeasuredToken } from './measure.ts';
import { UnsignedTokens, type IssuedValues } from './unsigned-tokens.ts';

/** A part of a ciphertext without digits and capitals is not stored in the pool and takes more bytes. It is rare. */
const HELD_LUCK = 16;

/** Sizes of the tokens of one tree that is sent packed. */
export class PackedSizes {
  readonly #root: MeasuredToken;
  readonly #measure: Measure;
  readonly #tokens: UnsignedTokens;
  readonly #nodes = new Map<MeasuredToken, SignedNode>();
  /** Tokens of services that accept only JWTs, sealed ones, and all tokens below them. */
  readonly #nested = new Set<MeasuredToken>();

  /** @param values absent: the largest that the measure allows. */
  constructor(root: MeasuredToken, measure: Measure, values?: IssuedValues) {
    this.#root = root;
    this.#measure = measure;
    this.#tokens = new UnsignedTokens(measure, values);
  }

  /** How the token travels. */
  coding(token: MeasuredToken): Coding {
    if (token.children.length === 0) return 'bare';
    this.node(token);
    return this.#nested.has(token) ? 'nested' : 'packed';
  }

  /** An upper bound of the bytes of the token as it travels. */
  bound(token: MeasuredToken): number {
    return this.coding(token) === 'packed' ? packedBound(this.node(token)) : token.bytes;
  }

  /** The bytes of the token as it travels, if the moment is given. */
  exact(token: MeasuredToken): number {
    if (this.coding(token) !== 'packed') return token.bytes;
    return packNode(this.node(token)).length + base64urlLength(countHeld(this.node(token)) * HELD_LUCK);
  }

  /** The token without its signature. */
  node(token: MeasuredToken): SignedNode {
    if (this.#nodes.size === 0)
      this.#build(this.#root, this.#tokens.rootEnd, isPackable(this.#root.shape.body));
    const node = this.#nodes.get(token);
    if (!node) throw new TypeError('the token is of another tree');
    return node;
  }

  /** @param parentEnd when the token above expires. */
  #build(token: MeasuredToken, parentEnd: number, packedAbove: boolean): SignedNode {
    const { shape } = token;
    const isPacked = packedAbove && !token.sealed && shape.service.accepts === 'any';
    if (!isPacked) this.#nested.add(token);
    const exp = this.#tokens.endOf(shape, parentEnd);
    const children = token.children.map(({ branch, token: child }): readonly [string, TokenNode] => {
      const node = this.#build(child, exp, isPacked);
      return [branch.callee, child.sealed ? sealedNode(child.sealed) : node];
    });
    const held = this.#measure.options.heldClaims(shape.body);
    const node = this.#tokens.node(token, { exp, onDemand: onDemandOf(shape), held }, children);
    this.#nodes.set(token, node);
    return node;
  }
}

/** A sealed token, of the characters of each part: what is in it looks random, and takes the same whatever it is. */
function sealedNode(parts: readonly number[]): TokenNode {
  const text = parts.map((chars) => 'A'.repeat(chars)).join('.');
  return { kind: 'opaque', text, length: text.length };
}

/** Ciphertexts of all tokens below: those that are deferred claims, and those that are sealed. */
function countHeld(node: TokenNode): number {
  if (node.kind === 'opaque') return 1;
  if (node.payload.kind === 'raw') return 0;
  const { names, children } = node.payload;
  return children.reduce((sum, child) => sum + countHeld(child.node), names.includes('held') ? 1 : 0);
}
