/**
 * What the tokens of a tree weigh packed, before anything is signed. In: measured tokens, and the values that they will
 * carry. Out: as what each travels, its size with the body stored, which no packed token of these values exceeds, and
 * its real size.
 *
 * A body says nothing of signatures: they lie behind it as they are. So the real size is known beforehand too, once
 * every other value is: `txn`, `iat`, `exp`. Only `held` is random otherwise; what its parts may take more is added.
 */
import { base64urlLength } from '../../protocol.ts';
import { packNode, packedBound, type SignedNode, type TokenNode } from '../../token/index.ts';
import { isPackable, type Coding } from './coding.ts';
import { onDemandOf, type Measure, type MeasuredToken } from './measure.ts';
import { UnsignedTokens, type IssuedValues } from './unsigned-tokens.ts';

/** Parts of a ciphertext go to the pool unless they have neither digit nor capital: short ones may, once in a thousand. */
const HELD_LUCK = 16;

/** Sizes of the tokens of one tree that is sent packed. */
export class PackedSizes {
  readonly #root: MeasuredToken;
  readonly #measure: Measure;
  readonly #tokens: UnsignedTokens;
  readonly #nodes = new Map<MeasuredToken, SignedNode>();
  /** Those that services get which take nothing but JWTs, and all below them. */
  readonly #nested = new Set<MeasuredToken>();

  /** @param values absent: the largest that the measure allows. */
  constructor(root: MeasuredToken, measure: Measure, values?: IssuedValues) {
    this.#root = root;
    this.#measure = measure;
    this.#tokens = new UnsignedTokens(measure, values);
  }

  /** As what the token travels. */
  coding(token: MeasuredToken): Coding {
    if (token.children.length === 0) return 'bare';
    this.node(token);
    return this.#nested.has(token) ? 'nested' : 'packed';
  }

  /** The most bytes that the token takes as it travels. */
  bound(token: MeasuredToken): number {
    return this.coding(token) === 'packed' ? packedBound(this.node(token)) : token.bytes;
  }

  /** The bytes that the token will take as it travels, where the moment is given. */
  exact(token: MeasuredToken): number {
    if (this.coding(token) !== 'packed') return token.bytes;
    return packNode(this.node(token)).length + base64urlLength(heldIn(this.node(token)) * HELD_LUCK);
  }

  /** As it will be, but for its signature. */
  node(token: MeasuredToken): SignedNode {
    if (this.#nodes.size === 0)
      this.#build(this.#root, this.#tokens.rootEnd, isPackable(this.#root.shape.body));
    const node = this.#nodes.get(token);
    if (!node) throw new TypeError('the token is of another tree');
    return node;
  }

  /** @param parentEnd of the token above, which none outlives. */
  #build(token: MeasuredToken, parentEnd: number, packedAbove: boolean): SignedNode {
    const { shape } = token;
    const isPacked = packedAbove && shape.service.accepts === 'any';
    if (!isPacked) this.#nested.add(token);
    const exp = this.#tokens.endOf(shape, parentEnd);
    const children = token.children.map(
      ({ branch, token: child }) => [branch.callee, this.#build(child, exp, isPacked)] as const,
    );
    const held = this.#measure.options.heldClaims(shape.body);
    const node = this.#tokens.node(token, { exp, onDemand: onDemandOf(shape), held }, children);
    this.#nodes.set(token, node);
    return node;
  }
}

/** Tokens that keep claims for later. */
function heldIn(node: TokenNode): number {
  if (node.kind === 'opaque' || node.payload.kind === 'raw') return 0;
  const { names, children } = node.payload;
  return children.reduce((sum, child) => sum + heldIn(child.node), names.includes('held') ? 1 : 0);
}
