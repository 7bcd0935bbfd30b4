/** From what is granted to what the client receives: a signed tree, or a reference under which the grant is kept. */
import type { HeldClaims, MeasuredToken } from '../../planning/header-budget/index.ts';
import { reachableTokens, type Plan } from '../../graph/index.ts';
import type { KeyRing } from '../keys/index.ts';
import { isPacked, packNode, tokenTypeOf, type AccessTokenClaims, type Encoding } from '../../token/index.ts';
import type { Beginning } from './begin.ts';
import { TreeEncoder } from './encoding.ts';
import { grantOf } from '../token-lifecycle/grant.ts';
import type { IssuedTree } from '../signing/issued-tree.ts';
import type { OpaqueTokens } from '../token-lifecycle/opaque.ts';
import { ReusableTrees } from './reuse.ts';
import type { Revocations } from '../token-lifecycle/revocations.ts';
import { TreeSigner, claimValues } from '../signing/sign.ts';
import type { Subject } from './subjects.ts';
import { TreePlans } from '../signing/tree-plan.ts';

export class Issuance {
  readonly #trees: TreePlans;
  readonly #signer: TreeSigner;
  readonly #encoder: TreeEncoder;
  readonly #heldClaims: HeldClaims;
  readonly #opaque: OpaqueTokens;
  /** Absent where the graph does not want it. */
  readonly #reusable: ReusableTrees | undefined;

  constructor(
    plan: Plan,
    keys: KeyRing,
    heldClaims: HeldClaims,
    opaque: OpaqueTokens,
    revocations: Revocations,
  ) {
    this.#trees = new TreePlans(plan, keys.signer, heldClaims);
    this.#signer = new TreeSigner(plan, keys, heldClaims);
    this.#encoder = new TreeEncoder(plan);
    this.#heldClaims = heldClaims;
    this.#opaque = opaque;
    const { reuse } = plan.issuer;
    this.#reusable = reuse === undefined ? undefined : new ReusableTrees(reuse, revocations);
  }

  /** @throws WaybillError `invalid_scope`, `invalid_request`; `store_unavailable` where a grant is to be kept */
  async issue(beginning: Beginning, subject: Subject | undefined): Promise<IssuedTree> {
    if (beginning.values.client.token === 'opaque') return this.#refer(beginning, subject);
    return subject || !this.#reusable ? this.sign(beginning) : this.#reuse(beginning, this.#reusable);
  }

  async sign(beginning: Beginning): Promise<IssuedTree> {
    return this.#sign(this.#plan(beginning), beginning);
  }

  /** Requests that come at once may each get a tree of their own: the last is handed out again. */
  async #reuse(beginning: Beginning, reusable: ReusableTrees): Promise<IssuedTree> {
    const found = await reusable.find(beginning);
    if (found) return found;
    const measured = this.#plan(beginning);
    const tree = await this.#sign(measured, beginning);
    reusable.keep(beginning, tree, measured);
    return tree;
  }

  async #sign(tree: MeasuredToken, beginning: Beginning): Promise<IssuedTree> {
    const token = await this.#signed(tree, beginning);
    const encoding = isPacked(token) ? 'packed' : 'nested';
    return issued(beginning, tree, { token, opaque: false, encoding, bytes: token.length });
  }

  async #signed(tree: MeasuredToken, { values, encoding }: Beginning): Promise<string> {
    const apart = encoding === 'packed' && tree.children.length > 0;
    const { nested, node } = await this.#signer.sign(tree, values, apart);
    return node === undefined ? this.encode(nested, encoding) : packNode(node);
  }

  /** A signed tree as it is sent. */
  encode(nested: string, encoding: Encoding): string {
    return this.#encoder.encode(nested, encoding);
  }

  /** A root token of ours for whoever has seen that its presenter holds the key to which it is bound. */
  unbound(claims: AccessTokenClaims): Promise<string> {
    return this.#signer.unbound(claims);
  }

  /** What the root token would say: nothing is signed. */
  describe(beginning: Beginning): Readonly<Record<string, unknown>> {
    return this.#signer.describe(this.#plan(beginning), beginning.values);
  }

  /** Refuses what a swap would refuse, so that the client learns it now. */
  async #refer(asked: Beginning, subject: Subject | undefined): Promise<IssuedTree> {
    const { wanted, values } = asked;
    const end = Math.min(values.exp, values.iat + (wanted.service.lifetime ?? Number.POSITIVE_INFINITY));
    const beginning = { ...asked, values: { ...values, exp: Math.floor(end) } };
    const tree = this.#plan(beginning);
    for (const body of reachableTokens([tree.shape.body])) claimValues(body, values);
    const token = await this.#opaque.keep(grantOf(beginning, tree.shape, this.#heldClaims, subject));
    return issued(beginning, tree, { token, opaque: true, encoding: undefined, bytes: tree.bytes });
  }

  #plan({ wanted, values, encoding }: Beginning): MeasuredToken {
    return this.#trees.of(wanted, values, encoding);
  }
}

function issued(
  { wanted: { service, scopes, caller }, values }: Beginning,
  { shape }: MeasuredToken,
  { token, opaque, encoding, bytes }: Pick<IssuedTree, 'token' | 'opaque' | 'encoding' | 'bytes'>,
): IssuedTree {
  return {
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
    tokenType: tokenTypeOf(values.cnf),
    tokens: shape.tokens,
    expiresIn: Math.min(values.exp - values.iat, service.lifetime ?? Number.POSITIVE_INFINITY),
  };
}
