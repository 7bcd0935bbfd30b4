/**
 * Upper bounds of the bytes that each token adds to a packed one, whatever else is in it, for a planner that adds them
 * up. In: the tree as declared, and the measure of its values. Out: bytes before base64url for each token, and for the
 * entries and claims that moved calls add to it.
 *
 * The size of a record depends on the tokens above it, and each of those is the first of a packed token on its own hop.
 * The largest counts.
 */
import { getOrAdd } from '../../get-or-add.ts';
import {
  actOf,
  audienceOf,
  type Actor,
  type Branch,
  type ClaimPlan,
  type TokenShape,
} from '../../graph/index.ts';
import {
  TokenPosition,
  memberBound,
  packedLength,
  recordBound,
  sealedBound,
  distinctPositions,
} from '../../token/index.ts';
import { digitsOf, jsonBytes, onDemandOf, type HeldClaims, type Measure } from './measure.ts';
import { UnsignedTokens } from './unsigned-tokens.ts';

type OnDemand = readonly (readonly [callee: string, audience: string | readonly string[]])[];

/** An audience that does not follow from the name. */
const ODD_CALLEE = ['*', '"'] as const;

export class PackedWeights {
  readonly root: TokenWeights;

  /** @param above the chain of the token above the root. Default: the client. */
  constructor(root: TokenShape, measure: Measure, above: Actor = measure.client) {
    const tokens = new UnsignedTokens(measure);
    const { heldClaims } = measure.options;
    let count = 0;
    const sealedChars = (shape: TokenShape, chain: Actor): number =>
      measure.sealedAtWorst(shape.body, measure.worst(shape, digitsOf(root.tokens), chain));
    const place = (
      shape: TokenShape,
      above: readonly TokenPosition[],
      parentEnd: number,
      chain: Actor,
    ): TokenWeights => {
      const n = count++;
      const act = actOf(shape, chain);
      const exp = tokens.endOf(shape, parentEnd);
      const weights = new TokenWeights({ shape, n, act, exp, heldClaims, above, tokens });
      const places = distinctPositions(weights.places);
      for (const branch of shape.branches) {
        if (!branch.shape) continue;
        if (!branch.seal) weights.children.set(branch, place(branch.shape, places, exp, act ?? chain));
        else weights.sealed += sealedBound(branch.callee, sealedChars(branch.shape, act ?? chain));
      }
      return weights;
    };
    this.root = place(root, [], tokens.rootEnd, above);
  }
}

interface PlacedToken {
  readonly shape: TokenShape;
  /** Its number in the tree. */
  readonly n: number;
  readonly act: Actor | undefined;
  /** Seconds since the epoch. */
  readonly exp: number;
  readonly heldClaims: HeldClaims;
  /** Positions of the token that embeds it; none above the root. */
  readonly above: readonly TokenPosition[];
  readonly tokens: UnsignedTokens;
}

/** One token of the tree. */
export class TokenWeights {
  /** Those that are not sealed. */
  readonly children = new Map<Branch, TokenWeights>();
  /** The records of its sealed children, whatever is in them. */
  sealed = 0;
  /** As the first token of all, and below each token above it. */
  readonly places: readonly [TokenPosition, ...TokenPosition[]];
  /** Its record with its name; children, `on_demand` and `held` count by themselves. */
  readonly record: number;
  /** Bytes that its record takes more as the first. */
  readonly first: number;
  /** Bytes of `on_demand` beside its entries. */
  readonly onDemand: number;
  readonly #token: PlacedToken;
  readonly #entries: ReadonlyMap<string, number>;
  /** By the text of `held`. */
  readonly #held = new Map<string, number>();

  constructor(token: PlacedToken) {
    const { shape, exp, above, tokens } = token;
    const { name } = shape.service;
    this.#token = token;
    const node = tokens.node(token, { exp, onDemand: [], held: [] });
    this.places = [
      new TokenPosition(name, node),
      ...above.map((parent) => new TokenPosition(name, node, parent)),
    ];
    const first = recordBound(node, name);
    const below = above.map((parent) => recordBound(node, name, parent));
    this.record = below.length === 0 ? first : Math.max(...below);
    this.first = first - this.record;
    [this.onDemand, this.#entries] = this.#onDemandOf(calleesOf(shape));
  }

  /** An entry of `on_demand`. */
  entry(callee: string): number {
    return this.#entries.get(callee) ?? 0;
  }

  /** Bytes of the calls that are declared on demand. */
  get declaredOnDemand(): number {
    const entries = onDemandOf(this.#token.shape.body).map(([callee]) => this.entry(callee));
    return entries.reduce((sum, bytes) => sum + bytes, entries.length === 0 ? 0 : this.onDemand);
  }

  /** Bytes of deferred claims. They are the same anywhere in the tree: no other token that counts here has any. */
  held(claims: readonly ClaimPlan[]): number {
    const { tokens } = this.#token;
    const text = tokens.sealed(claims, this.#token);
    if (text === undefined) return 0;
    return getOrAdd(this.#held, text, () => memberBound(this.places[0], 'held', text));
  }

  /** Bytes of the packed token as declared. */
  get declared(): number {
    return packedLength(this.first + this.#sum());
  }

  #sum(): number {
    const { shape, heldClaims } = this.#token;
    const own = this.record + this.declaredOnDemand + this.held(heldClaims(shape.body)) + this.sealed;
    return [...this.children.values()].reduce((sum, child) => sum + child.#sum(), own);
  }

  /** Bytes of `on_demand` where it takes most. */
  #onDemandBytes(callees: OnDemand, places: readonly TokenPosition[] = this.places): number {
    const value = Object.fromEntries(callees);
    return Math.max(...places.map((place) => memberBound(place, 'on_demand', value)));
  }

  /**
   * Names alone if all audiences follow from them; else JSON, which takes more.
   *
   * @returns bytes of `on_demand` itself, and of each callee's entry.
   */
  #onDemandOf(callees: OnDemand): [number, ReadonlyMap<string, number>] {
    if (callees.length === 0) return [0, new Map()];
    const sumOf = (values: readonly number[]): number => values.reduce((sum, bytes) => sum + bytes, 0);
    const json = callees.map(([callee, audience]) => jsonBytes({ [callee]: audience }) - 1);
    const alone = callees.map((callee) => this.#onDemandBytes([callee], [this.places[0]]));
    const together = this.#onDemandBytes(callees);
    const beside = (sumOf(alone) - together) / (callees.length - 1);
    const words = alone.map((bytes) => bytes - beside);
    const areWords = Number.isInteger(beside) && words.every((bytes, at) => bytes < json[at]!);
    const entries = areWords ? words : json;
    const all: OnDemand = areWords ? callees : [...callees, ODD_CALLEE];
    const odd = areWords ? 0 : jsonBytes(Object.fromEntries([ODD_CALLEE])) - 1;
    // Beside another member it can take one more byte, which lists the predicted ones.
    const itself = (areWords ? together : this.#onDemandBytes(all)) - sumOf(entries) - odd + 1;
    return [itself, new Map(callees.map(([callee], at) => [callee, entries[at]!]))];
  }
}

/** All callees that can be on demand: those that are, and those that are embedded. */
function calleesOf({ branches }: TokenShape): OnDemand {
  return branches.flatMap(({ callee, service, mode, shape }) =>
    service && (mode === 'exchange' || shape) ? [[callee, audienceOf(service)] as const] : [],
  );
}
