/**
 * What each token of a tree adds to a packed one at most, whatever else is in it: what a planner needs that adds tokens
 * up. In: the tree as it is declared, and the measure of its values. Out: bytes before base64url for each token at its
 * place, and for all that calls which are moved bring into it.
 *
 * What a record takes depends on the tokens above it, and each of these is the first of a packed token on its own hop:
 * the most of all counts.
 */
import type { Branch, ClaimPlan, TokenShape } from '../graph/index.ts';
import { packedLength, recordBound, type Placed, type SignedNode } from '../token/index.ts';
import { jsonBytes, onDemandOf, type Measure } from './measure.ts';
import { UnsignedTokens, type TokenLoad } from './unsigned-tokens.ts';

type OnDemand = TokenLoad['onDemand'];

/** A member that no token has: what a shape takes must not count on the parent's, which changes with moved calls. */
const ODD_MEMBER = { '*': 0 };
/** Its audience follows from no name. */
const ODD_CALLEE = ['*', '"'] as const;
const NO_CLAIMS: readonly ClaimPlan[] = [];

export class PackedWeights {
  readonly root: TokenWeights;
  readonly #tokens: UnsignedTokens;
  readonly #heldClaims: Measure['options']['heldClaims'];
  #count = 0;

  constructor(root: TokenShape, measure: Measure) {
    this.#tokens = new UnsignedTokens(measure);
    this.#heldClaims = measure.options.heldClaims;
    this.root = this.#place(root, undefined, this.#tokens.rootEnd);
  }

  #place(shape: TokenShape, parent: TokenWeights | undefined, parentEnd: number): TokenWeights {
    const token = { shape, n: this.#count++ };
    const exp = this.#tokens.endOf(shape, parentEnd);
    const make: MakeNode = (load) =>
      this.#tokens.node(token, { exp, onDemand: [], held: NO_CLAIMS, ...load });
    const weights = new TokenWeights(shape, parent?.placements, make, this.#heldClaims(shape.body));
    for (const branch of shape.branches)
      if (branch.shape) weights.children.set(branch, this.#place(branch.shape, weights, exp));
    return weights;
  }
}

type MakeNode = (load: Partial<TokenLoad>) => SignedNode;

/** One token at its place. */
export class TokenWeights {
  readonly children = new Map<Branch, TokenWeights>();
  /** The token as one that embeds others: the first of all, and below each of those above it. */
  readonly placements: readonly Placed[];
  /** Its record with its name; children, `on_demand` and `held` count by themselves. */
  readonly record: number;
  /** What its record takes more where it is the first. */
  readonly first: number;
  /** What `on_demand` takes beside its entries. */
  readonly onDemand: number;
  /** What may stand above it, nothing first. */
  readonly #above: readonly (Placed | undefined)[];
  /** Its record below each of these. */
  readonly #records: readonly number[];
  readonly #make: MakeNode;
  readonly #name: string;
  readonly #shape: TokenShape;
  readonly #entries: ReadonlyMap<string, number>;
  readonly #held: readonly ClaimPlan[];

  constructor(
    shape: TokenShape,
    parents: readonly Placed[] | undefined,
    make: MakeNode,
    held: readonly ClaimPlan[],
  ) {
    const { name } = shape.service;
    this.#name = name;
    this.#shape = shape;
    this.#make = make;
    this.#held = held;
    const odd = make({ more: ODD_MEMBER });
    this.#above = [undefined, ...(parents ?? [])];
    this.placements = this.#above.map((parent) => ({ name, node: odd, parent }));
    const own = make({});
    this.#records = this.#above.map((parent) => recordBound(own, name, parent));
    const [first = 0, ...below] = this.#records;
    this.record = below.length === 0 ? first : Math.max(...below);
    this.first = first - this.record;
    [this.onDemand, this.#entries] = this.#onDemandOf(calleesOf(shape));
  }

  /** An entry of `on_demand`. */
  entry(callee: string): number {
    return this.#entries.get(callee) ?? 0;
  }

  /** What is on demand as it is declared. */
  get declaredOnDemand(): number {
    const entries = onDemandOf(this.#shape.body).map(([callee]) => this.entry(callee));
    return entries.reduce((sum, bytes) => sum + bytes, entries.length === 0 ? 0 : this.onDemand);
  }

  held(claims: readonly ClaimPlan[]): number {
    return claims.length === 0 ? 0 : this.#added({ held: claims });
  }

  /** Bytes of the packed token with all that is declared to be in it. */
  get declared(): number {
    return packedLength(this.first + this.#sum());
  }

  #sum(): number {
    const own = this.record + this.declaredOnDemand + this.held(this.#held);
    return [...this.children.values()].reduce((sum, child) => sum + child.#sum(), own);
  }

  /** What the record takes more with this, as the first or below whom it takes most. */
  #added(load: Partial<TokenLoad>, above = this.#above): number {
    const loaded = this.#make(load);
    const added = above.map((parent, at) => recordBound(loaded, this.#name, parent) - this.#records[at]!);
    return Math.max(...added);
  }

  /**
   * Names alone where all audiences follow from them, whatever stands above; else JSON, which takes more.
   *
   * @returns what `on_demand` takes by itself, and for each callee.
   */
  #onDemandOf(callees: OnDemand): [number, ReadonlyMap<string, number>] {
    if (callees.length === 0) return [0, new Map()];
    const sumOf = (values: readonly number[]): number => values.reduce((sum, bytes) => sum + bytes, 0);
    const json = callees.map(([callee, audience]) => jsonBytes({ [callee]: audience }) - 1);
    const alone = callees.map((callee) => this.#added({ onDemand: [callee] }, [undefined]));
    const together = this.#added({ onDemand: callees });
    const beside = (sumOf(alone) - together) / (callees.length - 1);
    const words = alone.map((bytes) => bytes - beside);
    const areWords = Number.isInteger(beside) && words.every((bytes, at) => bytes < json[at]!);
    const entries = areWords ? words : json;
    const all: OnDemand = areWords ? callees : [...callees, ODD_CALLEE];
    const odd = areWords ? 0 : jsonBytes(Object.fromEntries([ODD_CALLEE])) - 1;
    // Together with another member it can take one more byte that says which are guessed.
    const itself = this.#added({ onDemand: all }) - sumOf(entries) - odd + 1;
    return [itself, new Map(callees.map(([callee], at) => [callee, entries[at]!]))];
  }
}

/** All that can be on demand: what is, and what is embedded. */
function calleesOf({ branches }: TokenShape): OnDemand {
  return branches.flatMap(({ callee, service, mode, shape }) =>
    service && (mode === 'exchange' || shape) ? [[callee, service.audience] as const] : [],
  );
}
