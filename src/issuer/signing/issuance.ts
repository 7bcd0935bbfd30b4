/** The second step of issuing: plans the tree of a resolved request and signs it, or stores its grant under a reference. */
import type { HeldClaims, MeasuredToken } from '../../planning/header-budget/index.ts';
import { WaybillError } from '../../errors.ts';
import { reachableTokens, sealsAny, type Plan } from '../../graph/index.ts';
import type { KeyRing } from '../keys/index.ts';
import { isPacked, packNode, tokenTypeOf, type AccessTokenClaims, type Encoding } from '../../token/index.ts';
import type { ResolvedRequest } from '../grants/resolve.ts';
import { TreeEncoder } from './tree-encoder.ts';
import { carriedBy, grantOf, valuesFrom } from '../token-lifecycle/grant.ts';
import type { IssuedTree } from './issued-tree.ts';
import type { OpaqueTokens } from '../token-lifecycle/opaque.ts';
import { ReusableTrees } from './reuse.ts';
import type { Revocations } from '../token-lifecycle/revocations.ts';
import { TreeSigner, claimValues } from './sign.ts';
import { TreePlans } from './tree-plan.ts';

export class Issuance {
  readonly #trees: TreePlans;
  readonly #signer: TreeSigner;
  readonly #encoder: TreeEncoder;
  readonly #heldClaims: HeldClaims;
  readonly #opaque: OpaqueTokens;
  /** Absent if the graph has no `reuse`. */
  readonly #reusable: ReusableTrees | undefined;

  constructor(
    plan: Plan,
    keys: KeyRing,
    heldClaims: HeldClaims,
    opaque: OpaqueTokens,
    revocations: Revocations,
  ) {
    if (sealsAny(plan)) throw new WaybillError('graph_invalid', 'This issuer cannot seal tokens yet.');
    this.#trees = new TreePlans(plan, keys.signer, heldClaims);
    this.#signer = new TreeSigner(plan, keys, heldClaims);
    this.#encoder = new TreeEncoder(plan);
    this.#heldClaims = heldClaims;
    this.#opaque = opaque;
    const { reuse } = plan.issuer;
    this.#reusable = reuse === undefined ? undefined : new ReusableTrees(reuse, revocations);
  }

  /** @throws WaybillError `invalid_scope`, `invalid_request`; `store_unavailable` for an opaque token */
  async issue(resolved: ResolvedRequest): Promise<IssuedTree> {
    const { wanted, values } = resolved;
    if (wanted.caller) return this.sign(resolved);
    if (values.client.token === 'opaque') return this.#refer(resolved);
    return values.hasOwnValues || !this.#reusable
      ? this.sign(resolved)
      : this.#reuse(resolved, this.#reusable);
  }

  async sign(resolved: ResolvedRequest): Promise<IssuedTree> {
    return this.#sign(this.#plan(resolved), resolved);
  }

  /** Concurrent requests may each get a tree of their own; the last one is reused. */
  async #reuse(resolved: ResolvedRequest, reusable: ReusableTrees): Promise<IssuedTree> {
    const found = await reusable.find(resolved);
    if (found) return found;
    const measured = this.#plan(resolved);
    const tree = await this.#sign(measured, resolved);
    reusable.add(resolved, tree, measured);
    return tree;
  }

  async #sign(tree: MeasuredToken, resolved: ResolvedRequest): Promise<IssuedTree> {
    const token = await this.#signed(tree, resolved);
    const encoding = isPacked(token) ? 'packed' : 'nested';
    const carried = this.#carriedContext(resolved, tree);
    return issued(resolved, tree, { token, opaque: false, encoding, bytes: token.length, ...carried });
  }

  async #signed(tree: MeasuredToken, { values, encoding }: ResolvedRequest): Promise<string> {
    const withNodes = encoding === 'packed' && tree.children.length > 0;
    const { nested, node } = await this.#signer.sign(tree, values, withNodes);
    return node === undefined ? this.encode(nested, encoding) : packNode(node);
  }

  encode(nested: string, encoding: Encoding): string {
    return this.#encoder.encode(nested, encoding);
  }

  /** A root without its binding, for a party that has verified that the presenter holds the key. */
  unbound(claims: AccessTokenClaims): Promise<string> {
    return this.#signer.unbound(claims);
  }

  /** The claims of the root. Nothing is signed. */
  describe(resolved: ResolvedRequest): Readonly<Record<string, unknown>> {
    return this.#signer.describe(this.#plan(resolved), resolved.values);
  }

  /** Refuses what a later swap would refuse, so that the client learns it now. */
  async #refer(asked: ResolvedRequest): Promise<IssuedTree> {
    const tree = this.#plan(asked);
    const { exp, iat } = asked.values;
    const values = { ...asked.values, exp: Math.floor(Math.min(exp, iat + tree.shape.lifetime)) };
    const resolved = { ...asked, values };
    for (const body of reachableTokens([tree.shape.body])) claimValues(body, values);
    const token = await this.#opaque.store(grantOf(resolved, tree.shape, this.#heldClaims));
    const carried = this.#carriedContext(resolved, tree);
    return issued(resolved, tree, {
      token,
      opaque: true,
      encoding: undefined,
      bytes: tree.bytes,
      ...carried,
    });
  }

  /** What a client set and some token of the tree carries: the client learns what of it was used. */
  #carriedContext(
    { context, values }: ResolvedRequest,
    { shape }: MeasuredToken,
  ): Pick<IssuedTree, 'request'> {
    if (!context || context.size === 0) return {};
    return { request: valuesFrom('request', carriedBy(shape, this.#heldClaims), values) };
  }

  #plan({ wanted, values, encoding }: ResolvedRequest): MeasuredToken {
    return this.#trees.planFor(wanted, values, encoding);
  }
}

function issued(
  { wanted: { service, scopes, caller }, values }: ResolvedRequest,
  { shape }: MeasuredToken,
  parts: Pick<IssuedTree, 'token' | 'opaque' | 'encoding' | 'bytes' | 'request'>,
): IssuedTree {
  return {
    ...parts,
    reused: false,
    client: values.client.name,
    caller: caller?.name,
    entry: service.name,
    scope: scopes.map((scope) => scope.name).join(' '),
    txn: values.txn,
    cnf: values.cnf,
    tokenType: tokenTypeOf(values.cnf),
    tokens: shape.tokens,
    expiresIn: Math.min(values.exp - values.iat, shape.lifetime),
  };
}
