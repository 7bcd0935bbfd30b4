/**
 * From a planned tree to signed tokens, leaves first: a token's signature covers the children that it embeds, so that
 * none can be taken out, put in or exchanged on the way.
 *
 * Each token is one text that is filled in, encoded once, and signed. A signer that answers at once is never waited
 * for; where one takes its time, the children of a token are signed side by side.
 */
import { onDemandOf, type HeldClaims, type MeasuredToken } from '../budget/index.ts';
import { WaybillError } from '../errors.ts';
import { heldClaimsOf, type ClaimPlan, type Plan, type TokenBody, type TokenShape } from '../graph/index.ts';
import type { KeyRing, Signer } from '../keys/index.ts';
import {
  MAX_NODE_LEVELS,
  base64url,
  headerOf,
  jsonText,
  jtiOf,
  payloadOf,
  sealHeld,
  signedNode,
  type AccessTokenClaims,
  type HeldKey,
  type SignedNode,
  type TemplateValues,
} from '../token/index.ts';
import { TokenTexts, type TokenText } from './token-text.ts';
import { newBranch, type TreeValues } from './values.ts';

/** A token with all that it embeds. */
export interface SignedTree {
  readonly nested: string;
  /** The same taken apart, where it was asked for and can be. */
  readonly node: SignedNode | undefined;
}

/** What all tokens of a tree are filled with. */
interface Filling {
  readonly values: TreeValues;
  readonly sub: string;
  readonly clientId: string;
  readonly txn: string;
  /** Every `jti` but for the token's number and the closing quote. */
  readonly ids: string;
  readonly iat: string;
  readonly cnf: string | undefined;
  /** By the token's number; undefined where none keeps anything. */
  readonly held: ReadonlyMap<number, string> | undefined;
  readonly claims: Map<ClaimPlan, string | undefined>;
  /** Whether nodes are made. */
  readonly apart: boolean;
}

/** A token's text, and what goes into its gaps. */
interface Filled {
  readonly text: TokenText;
  readonly values: TemplateValues;
  readonly apart: boolean;
}

const NO_CHILDREN: readonly SignedTree[] = [];

type Awaitable<Result> = Result | Promise<Result>;

export class TreeSigner {
  readonly #signer: Signer;
  readonly #issuer: string;
  readonly #header: string;
  /** What every token of a key begins with. */
  readonly #beginning: string;
  readonly #heldKey: HeldKey;
  readonly #texts: TokenTexts;

  constructor(plan: Plan, { signer, heldKeys }: KeyRing, heldClaims: HeldClaims = heldClaimsOf(plan)) {
    this.#signer = signer;
    this.#issuer = plan.issuer.url;
    [this.#heldKey] = heldKeys;
    this.#header = jsonText(headerOf(signer.alg, signer.kid));
    this.#beginning = `${base64url(this.#header)}.`;
    this.#texts = new TokenTexts(plan.issuer.url, heldClaims);
  }

  /** @param apart makes nodes of the tokens too: for a tree that is to be packed. */
  async sign(tree: MeasuredToken, values: TreeValues, apart = false): Promise<SignedTree> {
    const sealing = this.#seal(tree, values);
    const filling: Filling = {
      values,
      sub: jsonText(values.sub),
      clientId: jsonText(values.client.name),
      txn: jsonText(values.txn),
      ids: jsonText(jtiOf(values.txn, 0, values.branch)).slice(0, -2),
      iat: String(values.iat),
      cnf: values.cnf && jsonText(values.cnf),
      held: sealing && (await sealing),
      claims: new Map(),
      apart: apart && tree.shape.depth <= MAX_NODE_LEVELS,
    };
    return this.#token(tree, filling, values.exp);
  }

  /** A root that was issued before, children and all, with an id of its own and bound to no key. */
  async unbound(claims: AccessTokenClaims): Promise<string> {
    const { cnf: _, ...rest } = claims;
    const payload = { ...rest, jti: jtiOf(claims.txn, 0, newBranch()) };
    const input = this.#beginning + base64url(jsonText(payload));
    return compact(input, await this.#signer.sign(input));
  }

  /** What the token itself would say, without its children and what is held for later. Nothing is signed. */
  describe({ shape, n }: MeasuredToken, values: TreeValues): Readonly<Record<string, unknown>> {
    const payload = payloadOf(
      {
        iss: this.#issuer,
        aud: shape.audience,
        sub: values.sub,
        clientId: values.client.name,
        scope: shape.scope,
        iat: values.iat,
        exp: endOf(shape, values, values.exp),
        jti: jtiOf(values.txn, n, values.branch),
        txn: values.txn,
        actor: shape.actor,
        cnf: shape.actor === undefined ? values.cnf : undefined,
        claims: claimValues(shape, values),
        onDemand: onDemandOf(shape),
      },
      [],
    );
    return { ...payload };
  }

  /** @param exp of the token above: no child outlives its parent. */
  #token(token: MeasuredToken, filling: Filling, exp: number): Awaitable<SignedTree> {
    const ownExp = endOf(token.shape, filling.values, exp);
    if (token.children.length === 0) return this.#withChildren(token, filling, ownExp, NO_CHILDREN);
    const children = token.children.map((child) => this.#token(child.token, filling, ownExp));
    return areThere(children)
      ? this.#withChildren(token, filling, ownExp, children)
      : Promise.all(children).then((all) => this.#withChildren(token, filling, ownExp, all));
  }

  #withChildren(
    token: MeasuredToken,
    filling: Filling,
    exp: number,
    children: readonly SignedTree[],
  ): Awaitable<SignedTree> {
    const filled = this.#filled(token, filling, exp);
    const input = this.#beginning + base64url(filled.text.template.text(filled.values, children));
    const signature = this.#signer.sign(input);
    return signature instanceof Uint8Array
      ? this.#signed(token, filled, children, input, signature)
      : signature.then((later) => this.#signed(token, filled, children, input, later));
  }

  #signed(
    token: MeasuredToken,
    filled: Filled,
    children: readonly SignedTree[],
    input: string,
    signature: Uint8Array,
  ): SignedTree {
    const nested = compact(input, signature);
    const node = filled.apart ? this.#node(token, filled, children, signature, nested.length) : undefined;
    return { nested, node };
  }

  #filled(token: MeasuredToken, filling: Filling, exp: number): Filled {
    const { values: of, apart, sub, clientId, iat, txn, ids, cnf, held } = filling;
    const times = { iat, exp: String(exp), jti: `${ids}${token.n}"`, txn, cnf, held: held?.get(token.n) };
    const own = of.subject ? undefined : this.#texts.ofOwn(token);
    if (own) return { text: own, values: { sub, clientId, ...times, claims: [] }, apart };
    const values = { sub, clientId, ...times, claims: claimTexts(token.shape, filling) };
    if (!of.subject) this.#texts.keepOwn(token, values);
    return { text: this.#texts.of(token.shape), values, apart };
  }

  #node(
    { shape, n }: MeasuredToken,
    { text: { template, callees }, values }: Filled,
    embedded: readonly SignedTree[],
    signature: Uint8Array,
    length: number,
  ): SignedNode | undefined {
    const children = template.embedding.flatMap((index) => {
      const { node } = embedded[index]!;
      return node === undefined ? [] : [{ name: callees[index]!, node }];
    });
    if (children.length < embedded.length) return undefined;
    // Whoever unpacks a tree packs its children, and knows no graph: the bundle says who takes bare JWTs alone.
    const travelsNested = n > 0 && children.length > 0 && shape.service.accepts === 'jwt';
    const members = template.members(values);
    return signedNode({ ...members, header: this.#header, children, signature, travelsNested, length });
  }

  /** What is kept for later, for every token that keeps something. @returns undefined where none does. */
  #seal(tree: MeasuredToken, { valueOf }: TreeValues): Promise<ReadonlyMap<number, string>> | undefined {
    const sealing: Promise<readonly [number, string]>[] = [];
    const look = ({ shape, n, children }: MeasuredToken): void => {
      const claims = this.#texts.of(shape).held.flatMap((claim): [string, unknown][] => {
        const value = valueOf(claim);
        return value === undefined ? [] : [[claim.name, value]];
      });
      if (claims.length > 0) {
        const sealed = sealHeld(Object.fromEntries(claims), this.#heldKey);
        sealing.push(sealed.then((held) => [n, jsonText(held)]));
      }
      for (const { token } of children) look(token);
    };
    look(tree);
    return sealing.length === 0 ? undefined : Promise.all(sealing).then((all) => new Map(all));
  }
}

/** @throws WaybillError `invalid_request`, as `claimValues` */
function claimTexts(shape: TokenShape, filling: Filling): (string | undefined)[] {
  return shape.claims.map(({ claim, required }) => {
    const text = claimText(claim, filling);
    if (text === undefined && required) throw missing(shape, claim);
    return text;
  });
}

/** Each claim once for a tree. */
function claimText(claim: ClaimPlan, { claims, values }: Filling): string | undefined {
  if (claims.has(claim)) return claims.get(claim);
  const value = values.valueOf(claim);
  const text = value === undefined ? undefined : jsonText(value);
  claims.set(claim, text);
  return text;
}

function compact(input: string, signature: Uint8Array): string {
  const { buffer, byteOffset, byteLength } = signature;
  return `${input}.${Buffer.from(buffer, byteOffset, byteLength).toString('base64url')}`;
}

function areThere<Result extends object>(
  results: readonly Awaitable<Result>[],
): results is readonly Result[] {
  return !results.some((result) => result instanceof Promise);
}

function endOf({ service }: TokenShape, { iat }: TreeValues, exp: number): number {
  return Math.min(exp, iat + (service.lifetime ?? Number.POSITIVE_INFINITY));
}

/**
 * Rule 3: a claim without a value is left out, or fails the request where it is marked.
 *
 * @throws WaybillError `invalid_request`
 */
export function claimValues(body: TokenBody, { valueOf }: TreeValues): [string, unknown][] {
  return body.claims.flatMap(({ claim, required }): [string, unknown][] => {
    const value = valueOf(claim);
    if (value !== undefined) return [[claim.name, value]];
    if (!required) return [];
    throw missing(body, claim);
  });
}

function missing({ service }: TokenBody, claim: ClaimPlan): WaybillError {
  return new WaybillError(
    'invalid_request',
    `${service.name} needs the claim ${claim.name}, which has no value here.`,
  );
}
