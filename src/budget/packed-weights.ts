/**
 * What each token of a tree adds to a packed one at most, whatever else is in it: what a planner needs that adds
 * tokens up. In: the tree as it is declared. Out: bytes of the bundle for each record, and for what a bundle has but
 * once. The sum is never less than the stored size, and so than any packed size.
 *
 * A record says what cannot be guessed from its parent (`schemas/packed.md`, "Guesses"). What is guessed from other
 * records counts in full, because they may be elsewhere; only audiences and presenters that are made of the callee's
 * name, all in the same way, are counted as what they are: wrong twice at most, and then always right.
 */
import type { ClaimPlan, TokenShape } from '../graph/index.ts';
import { THUMBPRINT_CHARS, TXN_CHARS, jtiOf } from '../token/index.ts';
import { BRANCH_CHARS, jsonBytes, onDemandOf, type Measure } from './measure.ts';

/** A choice and a zero byte stand for a text's quotes; any other JSON keeps what it has. */
const JSON_VALUE = 2;
/** A choice and a number of up to 35 bits. */
const TIME = 6;
/** Base, count and place of a new shape. */
const NEW_SHAPE = 4;
/** Members beside claims: those of every child, `cnf`, `on_demand`, `held`. */
const MEMBERS = 13;
/** Coding and length of a bundle, code and signature length of its header. */
const BUNDLE = 10;
const PREFIX = 'wb1~'.length;
/** Words are told by one byte as long as there are fewer. */
const FEW_WORDS = 127;

export class PackedWeights {
  readonly #measure: Measure;
  /** How audiences follow from names: all by the issuer's address, all in one way, or in several. */
  readonly #audiences: 'beside' | 'alike' | 'any';
  readonly #actorsAlike: boolean;
  readonly #word: number;
  readonly #tag: number;
  readonly #number: boolean;
  /** What every bundle may say twice. */
  readonly #guessed: number;

  constructor(root: TokenShape, measure: Measure) {
    this.#measure = measure;
    const tokens = named(root);
    const audiences = tokens.flatMap(({ name, shape }) => [
      [name, shape.audience] as const,
      ...onDemandOf(shape.body),
    ]);
    const actors = tokens.flatMap(({ shape }) =>
      shape.branches.length > 0 ? [[shape.service.name, shape.service.identity] as const] : [],
    );
    const beside = audiences.every(([name, audience]) => besideOf(audience) === name);
    this.#audiences = !alike(audiences) ? 'any' : beside ? 'beside' : 'alike';
    this.#actorsAlike = alike(actors);
    const words = new Set([
      ...tokens.map(({ name }) => name),
      ...tokens.flatMap(({ shape }) => shape.scope.split(' ')),
    ]);
    this.#word = words.size + audiences.length < FEW_WORDS ? 1 : 2;
    this.#tag = tokens.length < 25 ? 1 : 2;
    this.#number = tokens.some(({ name }) => /^\d+$/.test(name));
    const longest = (values: readonly (readonly [string, unknown])[]): number =>
      Math.max(0, ...values.map(([, value]) => jsonBytes(value) + JSON_VALUE));
    this.#guessed =
      2 * (this.#audiences === 'alike' ? longest(audiences) : 0) +
      2 * (this.#actorsAlike ? longest(actors.map(([name, sub]) => [name, { sub }])) : 0);
  }

  /** Bytes of a packed token whose records take so much. */
  chars(bundle: number): number {
    return PREFIX + Math.ceil((bundle * 4) / 3);
  }

  /** A record without children and without what moved calls bring. */
  record(shape: TokenShape, parent: TokenShape | undefined): number {
    const { claims, service, audience, scope } = shape;
    const { signing } = this.#measure.options;
    let bytes = this.#tag + signing.signatureBytes + Math.ceil((claims.length + MEMBERS) / 7);
    bytes += this.#audience(audience);
    bytes += this.#scope(scope, parent?.scope);
    if (service.lifetime !== undefined) bytes += TIME;
    if (this.#number) bytes += this.#jti();
    for (const { claim } of claims) {
      const value = this.#claim(claim);
      if (value === undefined) continue;
      bytes += jsonBytes(claim.name) - 1;
      if (!parent?.claims.some((need) => need.claim === claim)) bytes += value;
    }
    if (claims.length > 0) bytes += NEW_SHAPE;
    const onDemand = onDemandOf(shape.body);
    if (onDemand.length > 0) bytes += this.onDemand();
    for (const [callee, called] of onDemand) bytes += this.entry(callee, called, audience);
    return bytes;
  }

  /** A record and all that it embeds, with what is held in them. */
  tree(shape: TokenShape, parent: TokenShape | undefined): number {
    const held = this.held(this.#measure.options.heldClaims(shape.body));
    const children = shape.branches.flatMap((branch) =>
      branch.shape ? [this.name(branch.callee) + this.tree(branch.shape, shape)] : [],
    );
    const below = children.reduce((sum, bytes) => sum + bytes, 0);
    return this.record(shape, parent) + held + (children.length > 0 ? this.embeds(shape) + below : 0);
  }

  /** What a token says once if it embeds any: how many, and who presents them. */
  embeds({ service }: TokenShape): number {
    return 2 + (this.#actorsAlike ? 0 : jsonBytes({ sub: service.identity }) + JSON_VALUE);
  }

  /** A child's name. */
  name(callee: string): number {
    return this.#word + jsonBytes(callee) - 1;
  }

  /** What the first callee on demand brings beside its entry. */
  onDemand(): number {
    return NEW_SHAPE + jsonBytes('on_demand') - 1 + 2 + JSON_VALUE;
  }

  /** @param of the token whose `on_demand` it is */
  entry(callee: string, audience: string, of: TokenShape['audience']): number {
    if (this.#audiences === 'beside' && typeof of === 'string') return this.name(callee);
    return jsonBytes(callee) + jsonBytes(audience) + ',:'.length;
  }

  held(claims: readonly ClaimPlan[]): number {
    const chars = this.#measure.heldChars(claims);
    return chars === 0 ? 0 : NEW_SHAPE + jsonBytes('held') - 1 + chars + JSON_VALUE;
  }

  /** What the record has more where it is the first of a bundle, and the bundle itself. */
  root(shape: TokenShape, parent: TokenShape | undefined): number {
    const { issuer, sub, clientId, signing, confirmation } = this.#measure.options;
    let bytes = BUNDLE + jsonBytes(signing.kid);
    bytes += jsonBytes(issuer) + jsonBytes(sub) + jsonBytes(clientId) + 2 * TIME + this.#jti();
    if (this.#audiences !== 'any') bytes += jsonBytes(shape.audience) + JSON_VALUE;
    if (shape.actor !== undefined) bytes += jsonBytes({ sub: shape.actor }) + JSON_VALUE;
    else if (confirmation)
      bytes +=
        NEW_SHAPE +
        jsonBytes('cnf') +
        jsonBytes({ [confirmation]: 'k'.repeat(THUMBPRINT_CHARS) }) +
        JSON_VALUE;
    for (const { claim } of shape.claims) {
      if (parent?.claims.some((need) => need.claim === claim)) bytes += this.#claim(claim) ?? 0;
    }
    bytes += this.#scope(shape.scope, undefined) - this.#scope(shape.scope, parent?.scope);
    return bytes + this.#guessed;
  }

  /** The parent's words are known by then, and its whole scope is a guess. */
  #scope(scope: string, parents: string | undefined): number {
    if (scope === parents) return 1;
    const known = new Set(parents?.split(' '));
    const words = scope.split(' ');
    const texts = words.map((word) => this.#word + (known.has(word) ? 0 : jsonBytes(word) - 1));
    return 1 + (words.length > 127 ? 2 : 1) + texts.reduce((sum, bytes) => sum + bytes, 0);
  }

  #audience(audience: TokenShape['audience']): number {
    // A list is no audience that a name gives, and upsets what is guessed next.
    if (typeof audience !== 'string') return 2 * (jsonBytes(audience) + JSON_VALUE);
    return this.#audiences === 'any' ? jsonBytes(audience) + JSON_VALUE : 0;
  }

  #jti(): number {
    const txn = 't'.repeat(this.#measure.options.txnChars ?? TXN_CHARS);
    return jsonBytes(jtiOf(txn, 99_999, 'b'.repeat(BRANCH_CHARS)));
  }

  #claim(claim: ClaimPlan): number | undefined {
    const value = this.#measure.options.claimBytes(claim);
    return value === undefined ? undefined : value + JSON_VALUE;
  }
}

/** Every token of the tree with its name; the same one once. */
function named(root: TokenShape): { readonly name: string; readonly shape: TokenShape }[] {
  const seen = new Set<TokenShape>();
  const waiting = [root];
  for (let shape = waiting.pop(); shape; shape = waiting.pop()) {
    if (seen.has(shape)) continue;
    seen.add(shape);
    for (const branch of shape.branches) if (branch.shape) waiting.push(branch.shape);
  }
  return [...seen].map((shape) => ({ name: shape.service.name, shape }));
}

/** The first label of a URL's host. */
function besideOf(audience: TokenShape['audience']): string | undefined {
  return typeof audience === 'string' ? /^[a-z]+:\/\/([^./:"]*)/.exec(audience)?.[1] : undefined;
}

/** Whether the same text stands before and behind the name in all of them. Lists count by their first. */
function alike(values: readonly (readonly [name: string, value: string | readonly string[]])[]): boolean {
  const frames = values.map(([name, value]) => {
    const text = typeof value === 'string' ? value : (value[0] ?? '');
    const at = text.lastIndexOf(name);
    return at < 0 ? undefined : JSON.stringify([text.slice(0, at), text.slice(at + name.length)]);
  });
  return frames.every((frame) => frame !== undefined && frame === frames[0]);
}
