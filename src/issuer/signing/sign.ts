/**
 * Signs a planned tree, leaves first: a token's signature covers the children that it embeds, so nobody can remove, add or
 * replace one.
 *
 * Each token is one text that is filled in, encoded once, and signed. A signer that answers at once is not awaited; with a
 * slow one, the children of a token are signed concurrently.
 */
import { onDemandOf, type HeldClaims, type MeasuredToken } from '../../planning/header-budget/index.ts';
import { WaybillError } from '../../errors.ts';
import {
  heldClaimsOf,
  heldConjunctsOf,
  type ClaimPlan,
  type Plan,
  type TokenBody,
  type TokenShape,
} from '../../graph/index.ts';
import type { KeyRing, Signer } from '../keys/index.ts';
import type { TreeSealKeys } from '../sealing/seal-keys.ts';
import {
  MAX_NODE_LEVELS,
  base64url,
  headerOf,
  jsonText,
  jtiOf,
  payloadOf,
  encryptDeferredClaims,
  sealToken,
  signedNode,
  type AccessTokenClaims,
  type DeferredClaimsKey,
  type SignedNode,
  type TemplateValues,
  type TokenNode,
} from '../../token/index.ts';
import { RequestClaimFault, setterOf } from '../grants/request-claims.ts';
import { SigningTemplates, type SigningTemplate, type TokenTemplate } from './signing-templates.ts';
import { tokenTexts } from './token-text.ts';
import { TreeTemplate, type TemplateToken, type TokenGaps } from './tree-template.ts';
import { newBranch, type TreeValues } from './values.ts';

/** A token with all that it embeds. */
export interface SignedTree {
  readonly nested: string;
  /** For packing; absent if not requested, or if the tree is too deep. */
  readonly node: SignedNode | undefined;
}

/** The same as its parent carries it, perhaps sealed. */
type CarriedTree = Pick<SignedTree, 'nested'> & { readonly node: TokenNode | undefined };

/** The values that all tokens of a tree share, as JSON texts. */
interface TreeTemplateValues {
  readonly values: TreeValues;
  readonly sub: string;
  readonly clientId: string;
  readonly txn: string;
  /** The start of every `jti`, up to the token's number. */
  readonly ids: string;
  readonly iat: string;
  readonly cnf: string | undefined;
  /** Deferred claims by the token's number; undefined if no token has any. */
  readonly held: ReadonlyMap<number, string> | undefined;
  readonly claims: Map<ClaimPlan, string | undefined>;
  readonly withNodes: boolean;
  /** Absent where nothing of the tree is sealed. */
  readonly sealKeys: TreeSealKeys | undefined;
}

const NO_CHILDREN: readonly CarriedTree[] = [];
const NO_VERDICTS = { met: [], stepUp: [] };

type Awaitable<Result> = Result | Promise<Result>;

export class TreeSigner {
  readonly #signer: Signer;
  readonly #issuer: string;
  readonly #header: string;
  /** The encoded header and a dot. */
  readonly #prefix: string;
  readonly #heldKey: DeferredClaimsKey;
  readonly #textOf: ReturnType<typeof tokenTexts>;
  readonly #templates = new SigningTemplates();

  constructor(plan: Plan, { signer, heldKeys }: KeyRing, heldClaims: HeldClaims = heldClaimsOf(plan)) {
    this.#signer = signer;
    this.#issuer = plan.issuer.url;
    [this.#heldKey] = heldKeys;
    this.#header = jsonText(headerOf(signer.alg, signer.kid));
    this.#prefix = `${base64url(this.#header)}.`;
    this.#textOf = tokenTexts(plan.issuer.url, heldClaims, heldConjunctsOf(plan));
  }

  /**
   * @param withNodes makes nodes too, for a tree that will be packed.
   * @param sealKeys of the services whose tokens are sealed in it.
   * @returns the root; sealed where its call is.
   */
  async sign(
    tree: MeasuredToken,
    values: TreeValues,
    withNodes = false,
    sealKeys?: TreeSealKeys,
  ): Promise<SignedTree> {
    const deferring = this.#deferClaims(tree, values);
    const common: TreeTemplateValues = {
      values,
      sub: jsonText(values.sub),
      clientId: jsonText(values.client.name),
      txn: jsonText(values.txn),
      ids: jsonText(jtiOf(values.txn, 0, values.branch)).slice(0, -2),
      iat: String(values.iat),
      cnf: values.cnf && jsonText(values.cnf),
      held: deferring && (await deferring),
      claims: new Map(),
      withNodes: withNodes && tree.shape.depth <= MAX_NODE_LEVELS,
      sealKeys: sealKeys && sealKeys.size > 0 ? sealKeys : undefined,
    };
    const signed = this.#fromTemplate(tree, common) ?? this.#token(tree, common, values.exp);
    if (!tree.sealed) return signed;
    const { nested } = await signed;
    return { nested: await sealed(tree, nested, common), node: undefined };
  }

  /** For a client's own tree and a key of this process. @returns undefined if the tree has no template yet. */
  #fromTemplate(tree: MeasuredToken, common: TreeTemplateValues): SignedTree | undefined {
    const signer = this.#signer;
    const { values, ids, iat, txn, cnf, withNodes } = common;
    if (!signer.signNow || values.hasOwnValues || common.held || common.sealKeys) return undefined;
    const own = this.#templates.find(tree, ids.length, cnf?.length);
    if (!own) {
      this.#templates.add(tree, () => this.#templateOf(tree, common));
      return undefined;
    }
    const end = String(values.exp);
    const gapsOf = (n: number): TokenGaps => {
      const { lifetime } = own.tokens[n]!;
      const exp = lifetime === Infinity ? end : String(Math.min(values.exp, values.iat + lifetime));
      return { iat, exp, jti: `${ids}${n}"`, txn, cnf };
    };
    const signatures: Uint8Array[] = [];
    const nested = own.tree.write(gapsOf, signer.signNow, (n, signature) => (signatures[n] = signature));
    if (!withNodes) return { nested, node: undefined };
    const nodeOf = (token: MeasuredToken): SignedNode | undefined => {
      const { n, children, bytes } = token;
      const { sub, clientId, act, held, claims } = own.tokens[n]!.values;
      const { iat, exp, jti, txn, cnf } = gapsOf(n);
      const values = { sub, clientId, iat, exp, jti, txn, cnf, act, held, claims };
      return this.#node(
        token,
        values,
        children.map((child) => nodeOf(child.token)),
        signatures[n]!,
        bytes,
      );
    };
    return { nested, node: nodeOf(tree) };
  }

  #templateOf(tree: MeasuredToken, common: TreeTemplateValues): SigningTemplate {
    const tokens: TokenTemplate[] = [];
    const lay = (token: MeasuredToken, above: number): TemplateToken => {
      const { template } = this.#textOf(token.shape);
      const lifetime = Math.min(above, token.shape.lifetime);
      const exp = Math.min(common.values.exp, common.values.iat + lifetime);
      const values = this.#valuesOf(token, common, exp);
      tokens[token.n] = { values, lifetime };
      const children = token.children.map((child) => lay(child.token, lifetime));
      const embedded = token.children.map((child) => ({ nested: 'A'.repeat(child.token.bytes) }));
      return {
        payload: template.text(values, embedded),
        places: template.places(values, embedded),
        children,
      };
    };
    const template = new TreeTemplate(lay(tree, Infinity), this.#prefix, this.#signer.signatureBytes);
    return { tree: template, tokens, idChars: common.ids.length, cnfChars: common.cnf?.length };
  }

  /** Signs a root again with the same children and a new id, bound to no key. */
  async unbound(claims: AccessTokenClaims): Promise<string> {
    const { cnf: _, ...rest } = claims;
    const payload = { ...rest, jti: jtiOf(claims.txn, 0, newBranch()) };
    const input = this.#prefix + base64url(jsonText(payload));
    return compact(input, await this.#signer.sign(input));
  }

  /** The claims of the token without its children and deferred claims. Nothing is signed. */
  describe({ shape, n, act }: MeasuredToken, values: TreeValues): Readonly<Record<string, unknown>> {
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
        act,
        cnf: act === undefined ? values.cnf : undefined,
        claims: claimValues(shape, values),
        onDemand: onDemandOf(shape),
      },
      [],
    );
    return { ...payload };
  }

  /** @param exp of the token above: no child outlives its parent. */
  #token(token: MeasuredToken, common: TreeTemplateValues, exp: number): Awaitable<SignedTree> {
    const ownExp = endOf(token.shape, common.values, exp);
    if (token.children.length === 0) return this.#withChildren(token, common, ownExp, NO_CHILDREN);
    const children = token.children.map((child) => this.#carried(child.token, common, ownExp));
    return areAllThere(children)
      ? this.#withChildren(token, common, ownExp, children)
      : allOf(children).then((all) => this.#withChildren(token, common, ownExp, all));
  }

  /** A token as its parent embeds it. @param exp of the parent. */
  #carried(token: MeasuredToken, common: TreeTemplateValues, exp: number): Awaitable<CarriedTree> {
    const signed = this.#token(token, common, exp);
    if (!token.sealed) return signed;
    const end = endOf(token.shape, common.values, exp);
    return Promise.resolve(signed).then(async ({ nested }) => {
      const text = await sealed(token, nested, common, end < exp ? end : undefined);
      const node = common.withNodes ? ({ kind: 'opaque', text, length: text.length } as const) : undefined;
      return { nested: text, node };
    });
  }

  #withChildren(
    token: MeasuredToken,
    common: TreeTemplateValues,
    exp: number,
    children: readonly CarriedTree[],
  ): Awaitable<SignedTree> {
    const values = this.#valuesOf(token, common, exp);
    const { template } = this.#textOf(token.shape);
    const input = this.#prefix + base64url(template.text(values, children));
    const signed = (signature: Uint8Array): SignedTree => {
      const nested = compact(input, signature);
      if (!common.withNodes) return { nested, node: undefined };
      const nodes = children.map(({ node }) => node);
      return { nested, node: this.#node(token, values, nodes, signature, nested.length) };
    };
    const signature = this.#signer.sign(input);
    return signature instanceof Uint8Array ? signed(signature) : signature.then(signed);
  }

  #valuesOf({ shape, n, act }: MeasuredToken, common: TreeTemplateValues, exp: number): TemplateValues {
    const { sub, clientId, iat, txn, ids, cnf, held } = common;
    return {
      sub,
      clientId,
      iat,
      exp: String(exp),
      jti: `${ids}${n}"`,
      txn,
      cnf,
      act: act?.act && jsonText(act),
      held: held?.get(n),
      claims: claimTexts(shape, common),
    };
  }

  /** @param nodes of the token's children. @returns undefined if a child has none, or the token can have none. */
  #node(
    { shape, n }: MeasuredToken,
    values: TemplateValues,
    nodes: readonly (TokenNode | undefined)[],
    signature: Uint8Array,
    length: number,
  ): SignedNode | undefined {
    const { template, callees } = this.#textOf(shape);
    const children = template.embedding.flatMap((index) => {
      const node = nodes[index];
      return node === undefined ? [] : [{ name: callees[index]!, node }];
    });
    if (children.length < nodes.length) return undefined;
    // Who unpacks the tree packs its children and knows no graph, so the bundle lists those that stay nested.
    const travelsNested = n > 0 && children.length > 0 && shape.service.accepts === 'jwt';
    const { names, values: texts } = template.members(values);
    const header = this.#header;
    return signedNode({ header, names, values: texts, children, signature, travelsNested, length });
  }

  /** Encrypts the deferred claims of every token that has some. @returns undefined if none has. */
  #deferClaims(
    tree: MeasuredToken,
    { valueOf, decision }: TreeValues,
  ): Promise<ReadonlyMap<number, string>> | undefined {
    const deferring: Promise<readonly [number, string]>[] = [];
    const look = ({ shape, n, children }: MeasuredToken): void => {
      const { held, heldConjuncts } = this.#textOf(shape);
      for (const { token } of children) look(token);
      if (held.length === 0 && decision === undefined) return;
      const claims = held.flatMap((claim): [string, unknown][] => {
        const value = valueOf(claim);
        return value === undefined ? [] : [[claim.name, value]];
      });
      const { met, stepUp } = decision?.listsOf(heldConjuncts) ?? NO_VERDICTS;
      if (claims.length + met.length + stepUp.length > 0) {
        const deferred = { claims: Object.fromEntries(claims), met, stepUp };
        const sealed = encryptDeferredClaims(deferred, this.#heldKey);
        deferring.push(sealed.then((held) => [n, jsonText(held)]));
      }
    };
    look(tree);
    return deferring.length === 0 ? undefined : Promise.all(deferring).then((all) => new Map(all));
  }
}

/** @param exp where the token ends before the one that embeds it. */
function sealed(
  { shape: { service } }: MeasuredToken,
  nested: string,
  { sealKeys }: TreeTemplateValues,
  exp?: number,
): Promise<string> {
  const key = sealKeys?.get(service.name);
  // Never unsealed instead: a tree is planned with its keys.
  if (!key) throw new TypeError(`there is no key to seal the token of ${service.name} with`);
  return sealToken(nested, key, service.audience, exp);
}

/** @throws WaybillError `invalid_request`, as `claimValues` */
function claimTexts(shape: TokenShape, common: TreeTemplateValues): (string | undefined)[] {
  return shape.claims.map(({ claim, required }) => {
    const text = claimText(claim, common);
    if (text === undefined && required) throw missing(shape, claim);
    return text;
  });
}

/** Serializes each claim once for a tree. */
function claimText(claim: ClaimPlan, { claims, values }: TreeTemplateValues): string | undefined {
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

async function allOf<Result extends object>(results: readonly Awaitable<Result>[]): Promise<Result[]> {
  return Promise.all(results.map(async (result) => result));
}

function areAllThere<Result extends object>(
  results: readonly Awaitable<Result>[],
): results is readonly Result[] {
  return !results.some((result) => result instanceof Promise);
}

/** No token lives longer than the one above it. */
export function endOf({ lifetime }: Pick<TokenShape, 'lifetime'>, { iat }: TreeValues, exp: number): number {
  return Math.min(exp, iat + lifetime);
}

/**
 * Rule 3: a claim without a value is left out; a required one fails the request.
 *
 * @throws WaybillError `invalid_request`
 */
export function claimValues(
  body: TokenBody,
  { valueOf, awaitsGateway = false }: TreeValues,
): [string, unknown][] {
  return body.claims.flatMap(({ claim, required }): [string, unknown][] => {
    const value = valueOf(claim);
    if (value !== undefined) return [[claim.name, value]];
    if (!required || (awaitsGateway && setterOf(claim) === 'gateway')) return [];
    throw missing(body, claim);
  });
}

function missing({ service }: TokenBody, claim: ClaimPlan): WaybillError {
  const message = `${service.name} needs the claim ${claim.name}, which has no value here.`;
  const setter = setterOf(claim);
  return setter ? new RequestClaimFault(setter, message) : new WaybillError('invalid_request', message);
}
