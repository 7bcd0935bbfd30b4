/**
 * What a request would be issued: the steps of a real one, without keys, store, network and signatures. Tokens that services
 * fetch later are part of it.
 */
import { systemClock } from '../clock.ts';
import { WaybillError, isWaybillError } from '../errors.ts';
import {
  Walk,
  actOf,
  reachableTokens,
  type Actor,
  type Branch,
  type CallMode,
  type CallPlan,
  type ClientPlan,
  type GrantName,
  type Plan,
  type StepUp,
  type TokenShape,
  type TreeRequest,
} from '../graph/index.ts';
import { signingSize } from '../planning/header-budget/index.ts';
import { encodingFor } from './grants/encoding.ts';
import { requestContext } from './grants/request-claims.ts';
import { treeValues, wantedTree } from './grants/resolve.ts';
import type { Subject } from './grants/subjects.ts';
import { claimValues, endOf } from './signing/sign.ts';
import { TreePlans } from './signing/tree-plan.ts';
import type { TreeValues } from './signing/values.ts';

/** A token as it would be signed, or the caller's own where it is forwarded. */
export interface UnsignedToken {
  readonly service: string;
  /** Names; of a forwarded token, those of the callee. */
  readonly scopes: readonly string[];
  readonly mode: Exclude<CallMode, 'none'>;
  /** Values by name, those that it has. */
  readonly claims: ReadonlyMap<string, unknown>;
  /** Its `act`: who presents it, and who acted before; absent on a root. */
  readonly actor: Actor | undefined;
  /** Seconds from now on, where it is fetched as soon as it can be. */
  readonly expiresIn: number;
  /** The calls that bring it about. */
  readonly calls: readonly CallPlan[];
  /** Callees with a token. */
  readonly callees: readonly string[];
  /** Of the root: what another login of the user would give beside (RFC 9470). */
  readonly stepUp?: StepUp | undefined;
  /**
   * The token that its service presents to a callee; undefined where it has none.
   *
   * @throws WaybillError `invalid_request` where the issuer would refuse to sign it
   */
  child(callee: string): UnsignedToken | undefined;
}

/**
 * @param request `request` has what the client says of it, and of an opaque client what the gateway says at the swap.
 * @param user whom a provider's token would name, and when it is shown (default: now); absent: the client asks for itself.
 * @returns the root of the tree.
 * @throws WaybillError as the token endpoint answers: `invalid_scope`, `invalid_target`, `invalid_request`, `invalid_grant`,
 *   `unauthorized_client`
 */
export function dryRun(
  plan: Plan,
  client: ClientPlan,
  request: TreeRequest,
  user?: Pick<Subject, 'provider' | 'sub' | 'claims'> & { readonly now?: number },
): UnsignedToken {
  requireGrant(client, user ? ['token_exchange', 'jwt_bearer'] : ['client_credentials']);
  try {
    const subject = user && { ...user, sub: subOf(client, user), exp: Number.POSITIVE_INFINITY };
    const now = user?.now ?? systemClock();
    const context = requestContext(plan, client, request.request ?? {});
    const facts = { subject: subject && { ...subject, now }, request: context, atSwap: true };
    const wanted = wantedTree(plan, client, request, facts);
    const values = {
      ...treeValues(client, now, undefined, subject, context),
      awaitsGateway: false, // the tree that services receive
      decision: wanted.decision,
    };
    const encoding = encodingFor(plan, wanted.service, undefined);
    const { shape } = new TreePlans(plan, signingSize(plan.issuer.signing)).planFor(wanted, values, encoding);
    requireClaims(shape, values);
    const walk = new Walk(wanted.decision);
    const root = tokenOf({ values, walk }, shape, { mode: 'embed', calls: wanted.calls }, values);
    return { ...root, stepUp: wanted.stepUp };
  } catch (error) {
    // RFC 8693 section 2.2.2, as at the token endpoint.
    if (isWaybillError(error, 'invalid_grant') && client.grants.has('token_exchange'))
      throw new WaybillError('invalid_request', error.message);
    throw error;
  }
}

/** Of a token and of all that it embeds: they are signed together. */
function requireClaims({ body }: TokenShape, values: TreeValues): void {
  for (const each of reachableTokens([body])) claimValues(each, values);
}

function requireGrant({ name, grants }: ClientPlan, any: readonly GrantName[]): void {
  if (any.some((grant) => grants.has(grant))) return;
  throw new WaybillError(
    'unauthorized_client',
    `${name} may use ${[...grants].join(', ')}, and not ${any.join(' or ')}.`,
  );
}

function subOf({ name, subjects }: ClientPlan, user: Pick<Subject, 'provider' | 'sub'>): string {
  const provider = subjects.find((each) => each.name === user.provider);
  if (!provider)
    throw new WaybillError('invalid_grant', `${name} may not exchange tokens of ${user.provider}.`);
  return provider.prefix + user.sub;
}

interface Tree {
  readonly values: TreeValues;
  /** Makes the tokens that services fetch. */
  readonly walk: Walk;
}

/** @param above `exp` and `act` of the token above; of a root, those of the tree. */
function tokenOf(
  tree: Tree,
  shape: TokenShape,
  { mode, calls }: Pick<UnsignedToken, 'mode' | 'calls'>,
  above: { readonly exp: number; readonly actor?: Actor | undefined },
): UnsignedToken {
  const { values, walk } = tree;
  const actor = actOf(shape, above.actor ?? { sub: values.client.name });
  const exp = endOf(shape, values, above.exp);
  const presented = shape.branches.filter(isPresented);
  const token: UnsignedToken = {
    service: shape.service.name,
    scopes: shape.scopes.map(({ name }) => name),
    mode,
    claims: new Map(claimValues(shape, values)),
    actor,
    expiresIn: exp - values.iat,
    calls,
    callees: presented.map(({ callee }) => callee),
    child(callee) {
      const branch = presented.find((each) => each.callee === callee);
      if (!branch) return undefined;
      if (branch.mode === 'forward') return forwarded(token, branch);
      const { service, scopes } = branch;
      const below = branch.shape ?? (service && walk.shape(service, scopes, shape.service));
      if (below && !branch.shape) requireClaims(below, values);
      return below && tokenOf(tree, below, branch, { exp, actor });
    },
  };
  return token;
}

/** Nobody calls on with a token that is another's own. */
function forwarded(token: UnsignedToken, { callee, scopes, calls }: Branch): UnsignedToken {
  return {
    ...token,
    service: callee,
    scopes: scopes.map(({ name }) => name),
    mode: 'forward',
    calls,
    callees: [],
    child: () => undefined,
  };
}

function isPresented(branch: Branch): branch is Branch & { readonly mode: UnsignedToken['mode'] } {
  return branch.mode !== 'none';
}
