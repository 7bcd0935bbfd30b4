/** The second step of issuing: plans the tree of a resolved request and signs it, or stores its grant under a reference. */
import type { HeldClaims, MeasuredToken } from '../../planning/header-budget/index.ts';
import { reachableTokens, type Plan } from '../../graph/index.ts';
import type { KeyRing } from '../keys/index.ts';
import { isPacked, packNode, tokenTypeOf, type AccessTokenClaims, type Encoding } from '../../token/index.ts';
import type { ResolvedRequest } from '../grants/resolve.ts';
import type { SealKeys, TreeSealKeys } from '../sealing/seal-keys.ts';
import { TreeEncoder } from './tree-encoder.ts';
import { carriedBy, grantOf, valuesFrom } from '../token-lifecycle/grant.ts';
import type { IssuedTree } from './issued-tree.ts';
import type { OpaqueTokens } from '../token-lifecycle/opaque.ts';
import { ReusableTrees } from './reuse.ts';
import type { Revocations } from '../token-lifecycle/revocations.ts';
import { TreeSigner, claimValues } from './sign.ts';
import { TreePlans } from './tree-plan.ts';

export class Issuance {
  readonly #plan: Plan;
  readonly #trees: TreePlans;
  readonly #signer: TreeSigner;
  readonly #encoder: TreeEncoder;
  readonly #heldClaims: HeldClaims;
  readonly #opaque: OpaqueTokens;
  /** Absent if the graph seals nothing. */
  readonly #sealKeys: SealKeys | undefined;
  /** Absent if the graph has no `reuse`. */
  readonly #reusable: ReusableTrees | undefined;

  constructor(
    plan: Plan,
    keys: KeyRing,
    heldClaims: HeldClaims,
    opaque: OpaqueTokens,
    revocations: Revocations,
    sealKeys: SealKeys | undefined,
  ) {
    this.#plan = plan;
    this.#trees = new TreePlans(plan, keys.signer, heldClaims);
    this.#signer = new TreeSigner(plan, keys, heldClaims);
    this.#encoder = new TreeEncoder(plan);
    this.#heldClaims = heldClaims;
    this.#opaque = opaque;
    this.#sealKeys = sealKeys;
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
    const sealKeys = this.#sealKeys && (await this.#keysFor(resolved, this.#sealKeys));
    return this.#sign(this.#planned(resolved, sealKeys), resolved, sealKeys);
  }

  /** Concurrent requests may each get a tree of their own; the last one is reused. */
  async #reuse(resolved: ResolvedRequest, reusable: ReusableTrees): Promise<IssuedTree> {
    const found = await reusable.find(resolved);
    if (found) return found;
    const sealKeys = this.#sealKeys && (await this.#keysFor(resolved, this.#sealKeys));
    const measured = this.#planned(resolved, sealKeys);
    const tree = await this.#sign(measured, resolved, sealKeys);
    reusable.add(resolved, tree, measured);
    return tree;
  }

  /** The keys of the services whose tokens the tree has sealed. */
  #keysFor({ wanted }: ResolvedRequest, sealKeys: SealKeys): TreeSealKeys | Promise<TreeSealKeys> {
    return sealKeys.find(this.#trees.sealedIn(wanted));
  }

  async #sign(
    tree: MeasuredToken,
    resolved: ResolvedRequest,
    sealKeys: TreeSealKeys | undefined,
  ): Promise<IssuedTree> {
    const token = await this.#signed(tree, resolved, sealKeys);
    const encoding = isPacked(token) ? 'packed' : 'nested';
    const carried = this.#carriedContext(resolved, tree);
    return issued(resolved, tree, { token, opaque: false, encoding, bytes: token.length }, carried);
  }

  async #signed(
    tree: MeasuredToken,
    { values, encoding }: ResolvedRequest,
    sealKeys: TreeSealKeys | undefined,
  ): Promise<string> {
    const withNodes = encoding === 'packed' && tree.children.length > 0 && !tree.sealed;
    const { nested, node } = await this.#signer.sign(tree, values, withNodes, sealKeys);
    if (tree.sealed) return nested;
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
  async describe(resolved: ResolvedRequest): Promise<Readonly<Record<string, unknown>>> {
    const sealKeys = this.#sealKeys && (await this.#keysFor(resolved, this.#sealKeys));
    return this.#signer.describe(this.#planned(resolved, sealKeys), resolved.values);
  }

  /** Refuses what a later swap would refuse, so that the client learns it now. */
  async #refer(asked: ResolvedRequest): Promise<IssuedTree> {
    const sealKeys = this.#sealKeys && (await this.#keysFor(asked, this.#sealKeys));
    const tree = this.#planned(asked, sealKeys);
    const { exp, iat } = asked.values;
    const values = { ...asked.values, exp: Math.floor(Math.min(exp, iat + tree.shape.lifetime)) };
    const resolved = { ...asked, values };
    for (const body of reachableTokens([tree.shape.body])) claimValues(body, values);
    const token = await this.#opaque.store(grantOf(this.#plan, resolved, tree.shape, this.#heldClaims));
    const carried = this.#carriedContext(resolved, tree);
    return issued(resolved, tree, { token, opaque: true, encoding: undefined, bytes: tree.bytes }, carried);
  }

  /** What a client set and some token of the tree carries: the client learns what of it was used. */
  #carriedContext({ context, values }: ResolvedRequest, { shape }: MeasuredToken): IssuedTree['request'] {
    if (!context || context.size === 0) return undefined;
    return valuesFrom('request', carriedBy(shape, this.#heldClaims), values);
  }

  #planned({ wanted, values, encoding }: ResolvedRequest, sealKeys: TreeSealKeys | undefined): MeasuredToken {
    return this.#trees.planFor(wanted, values, encoding, sealKeys);
  }
}

function issued(
  { wanted: { service, scopes, caller, stepUp }, values }: ResolvedRequest,
  { shape, sealed }: MeasuredToken,
  { token, opaque, encoding, bytes }: Pick<IssuedTree, 'token' | 'opaque' | 'encoding' | 'bytes'>,
  context: IssuedTree['request'],
): IssuedTree {
  const tree: IssuedTree = {
    token,
    opaque,
    encoding,
    bytes,
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
  // An object with spreads in it takes a kilobyte more: most trees have none of these.
  if (context === undefined && !sealed && stepUp === undefined) return tree;
  return {
    ...tree,
    ...(context === undefined ? {} : { request: context }),
    ...(sealed ? { sealed: true } : {}),
    ...(stepUp ? { stepUp } : {}),
  };
}
