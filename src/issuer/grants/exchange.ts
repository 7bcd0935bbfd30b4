/**
 * A service fetches the token of a callee (RFC 8693 section 2): it presents the token that it received, and the graph
 * says which calls that allows. The new token equals an embedded one except for `jti`, `iat` and `exp`.
 */
import type { Clock } from '../../clock.ts';
import { StepUpRequired, WaybillError, isWaybillError } from '../../errors.ts';
import {
  Decision,
  decidedLogins,
  hasConditions,
  isAllowed,
  sortByDeclaration,
  stepUpFor,
  mergeCalls,
  nameList,
  type Actor,
  type Branch,
  type ClaimPlan,
  type ClientPlan,
  type Plan,
  type ScopePlan,
  type ServicePlan,
  type SubjectPlan,
} from '../../graph/index.ts';
import {
  NOTHING_DEFERRED,
  actorNames,
  audiencesOf,
  chainOf,
  decryptDeferredClaims,
  encodingOf,
  isReference,
  type AccessTokenClaims,
  type Encoding,
  type DeferredClaimsKey,
  type TokenVerifier,
  type VerifiedToken,
} from '../../token/index.ts';
import type { ResolvedRequest } from './resolve.ts';
import type { PresentedKeys, SenderConstraints } from './sender-constraint.ts';
import { carriedClaims } from './carried-claims.ts';
import { encodingFor } from './encoding.ts';
import type { Revocations } from '../token-lifecycle/revocations.ts';
import { newBranch, valuesOf } from '../signing/values.ts';

export interface ExchangeRequest {
  readonly subjectToken: string;
  /** Callees by name (RFC 8693 section 2.1). */
  readonly audiences: readonly string[];
  /** Callees by audience (RFC 8707). */
  readonly resources: readonly string[];
  /** Requested scopes; empty: all that the graph gives. */
  readonly scopes: readonly string[];
  /** How the tree travels. Default: as the subject token did; if that has no children, as the graph says. */
  readonly encoding?: Encoding | undefined;
  /** The keys that the request presents; a DPoP proof is refused. Default: nothing is checked. */
  readonly presented?: PresentedKeys | undefined;
}

/** A branch of the graph whose callee is a service. */
type Callable = Omit<Branch, 'shape'> & { readonly service: ServicePlan };

export interface ExchangeParts {
  readonly plan: Plan;
  readonly clock: Clock;
  readonly constraints: SenderConstraints;
  /** Verifies this issuer's own tokens, for any audience. */
  readonly verify: TokenVerifier;
  readonly heldKeys: readonly DeferredClaimsKey[];
  readonly revocations: Revocations;
}

/** @throws WaybillError `invalid_request` for the subject token, `invalid_target`, `invalid_scope`, `store_unavailable` */
export async function resolveExchange(
  parts: ExchangeParts,
  service: ServicePlan,
  request: ExchangeRequest,
): Promise<ResolvedRequest> {
  const { plan, clock, constraints, verify, heldKeys, revocations } = parts;
  if (request.presented) await constraints.resolve({ kind: 'service', service }, request.presented);
  if (isReference(request.subjectToken))
    throw unacceptable(
      'it is a reference. Get the token for it by introspection with Accept: application/jwt, as a gateway does',
    );
  const token = await readSubjectToken(verify(request.subjectToken));
  if (!service.audiences.includes(audiencesOf(token.claims)[0] ?? ''))
    throw unacceptable(`it is not for ${service.name}`);
  if (await revocations.has(token.claims.txn)) throw unacceptable('it has been revoked');
  const client = plan.clients.get(token.claims.client_id);
  if (!client) throw unacceptable('the graph no longer has the client that it was issued to');
  const { held } = token.claims;
  const deferred =
    held === undefined ? NOTHING_DEFERRED : await readSubjectToken(decryptDeferredClaims(held, heldKeys));
  const decision = hasConditions(plan) ? new Decision(deferred.met ?? [], deferred.stepUp) : undefined;
  const declared = calleeOf(service, scopesOf(service, token), request);
  const branch = decision
    ? permitted(declared, decision, request, providerOf(client, token.claims))
    : declared;
  const scopes = narrowed(branch, request.scopes);
  const above = chainOf(token.claims);
  requireChain(branch, scopes, service, above);
  const carried = await readSubjectToken(carriedClaims(token.claims, deferred, branch.callee, heldKeys));
  const now = clock();
  // The graph may have changed what the claim allows since the token was signed.
  const valueOf = (claim: ClaimPlan): unknown => {
    const value = carried.get(claim.name);
    return isAllowed(value, claim) ? value : undefined;
  };
  return {
    wanted: {
      service: branch.service,
      scopes,
      caller: service,
      calls: branch.calls,
      decision,
      stepUp: undefined,
    },
    // `sub`, `txn` and `client_id` stay, and no token outlives the presented one.
    values: {
      client,
      above,
      hasOwnValues: true, // they came with the token
      sub: token.claims.sub,
      txn: token.claims.txn,
      branch: newBranch(),
      decision,
      iat: now,
      exp: Math.min(token.claims.exp, now + client.lifetime),
      valueOf: valuesOf(client, { subject: valueOf, request: valueOf }),
    },
    encoding: encodingFor(plan, branch.service, request.encoding ?? encodingOf(token)),
  };
}

/** RFC 8693 section 2.2.2: an invalid subject token is an `invalid_request`, whatever the reason. */
async function readSubjectToken<Read>(reading: Promise<Read>): Promise<Read> {
  try {
    return await reading;
  } catch (error) {
    if (isWaybillError(error)) throw unacceptable(error.message);
    throw error;
  }
}

function unacceptable(reason: string): WaybillError {
  return new WaybillError('invalid_request', `The subject token cannot be exchanged: ${reason}.`);
}

/** The scopes of the token that the graph still has. */
function scopesOf(service: ServicePlan, token: VerifiedToken): readonly ScopePlan[] {
  const scopes = sortByDeclaration(token.scopes.flatMap((name) => service.scopes.get(name) ?? []));
  if (scopes.length === 0) throw unacceptable(`the graph no longer has any of its scopes at ${service.name}`);
  return scopes;
}

/** The requested callee, which must be one that these scopes call. */
function calleeOf(service: ServicePlan, scopes: readonly ScopePlan[], request: ExchangeRequest): Callable {
  const names = new Set(request.audiences);
  const audiences = new Set(request.resources);
  if (names.size + audiences.size === 0) {
    throw new WaybillError(
      'invalid_request',
      'Name the callee: `audience` (its name) or `resource` (its audience).',
    );
  }
  const found = mergeCalls([service.calls, ...scopes.map((scope) => scope.calls)]).flatMap(
    (merged): Callable[] => {
      const { callee, service: target, mode } = merged;
      if (!target || (mode !== 'exchange' && mode !== 'embed')) return [];
      return names.has(callee) || target.audiences.some((each) => audiences.has(each))
        ? [{ ...merged, service: target }]
        : [];
    },
  );
  const [branch] = found;
  const named =
    [...names].every((name) => name === branch?.callee) &&
    [...audiences].every((audience) => branch?.service.audiences.includes(audience));
  if (!branch || !named) {
    throw new WaybillError(
      'invalid_target',
      `With the scopes of this token, ${service.name} calls no such service.`,
    );
  }
  return branch;
}

/**
 * Only scopes whose conditions held when the tree began. Facts are not looked at again, so a condition that the graph gained or
 * changed since does not hold.
 *
 * @throws WaybillError `insufficient_user_authentication` where another login would give the scopes that are missing;
 *   `invalid_target` where nothing is left
 */
function permitted(
  declared: Callable,
  decision: Decision,
  { scopes: asked }: ExchangeRequest,
  provider: SubjectPlan | undefined,
): Callable {
  const guarded = declared.calls.flatMap((call) => call.scopes.map((scope) => ({ call, scope })));
  const allowed = new Set(
    guarded.flatMap(({ call, scope }) => (decision.allows(call, scope) ? [scope] : [])),
  );
  const scopes = declared.scopes.filter((scope) => allowed.has(scope));
  const isWanted = ({ name }: ScopePlan) => (asked.length > 0 ? asked.includes(name) : scopes.length === 0);
  const isMissing = (scope: ScopePlan) => !allowed.has(scope) && isWanted(scope);
  const missing = guarded.filter(({ scope }) => isMissing(scope));
  if (missing.length === 0) return { ...declared, scopes };
  const names = new Set(missing.map(({ scope }) => scope.name));
  const withholding = { provider, decision, logins: decidedLogins(decision) };
  const stepUp = stepUpFor([], missing, withholding);
  if (stepUp && stepUp.scopes.length === names.size)
    throw new StepUpRequired(
      `${declared.callee} is called only after another login of the user, for these scopes: ${nameList([...names])}.`,
      stepUp.login,
    );
  if (scopes.length > 0) return { ...declared, scopes };
  throw new WaybillError(
    'invalid_target',
    `The conditions of the graph on the call of ${declared.callee} did not hold when this tree began.`,
  );
}

/** Whose user it is: prefixes of providers tell their users apart (RFC 9068 section 5). */
function providerOf(client: ClientPlan, { sub }: AccessTokenClaims): SubjectPlan | undefined {
  return sub === client.name ? undefined : client.subjects.find(({ prefix }) => sub.startsWith(prefix));
}

/** The graph may ask for parties that the presented token, which may be older, does not name. */
function requireChain(
  { callee }: Callable,
  scopes: readonly ScopePlan[],
  service: ServicePlan,
  above: Actor,
): void {
  if (!scopes.some(({ through }) => through)) return;
  const actors = [service.identity, ...actorNames(above)];
  const refused = scopes.filter(({ through }) => through && !actors.some((actor) => through.has(actor)));
  if (refused.length === 0) return;
  throw new WaybillError(
    'invalid_target',
    `Of the parties through which every chain of calls must come, this token names none, for these scopes of ${callee}: ${nameList(refused.map(({ name }) => name))}.`,
  );
}

/** A request can narrow the scopes of the graph, never widen them. */
function narrowed({ callee, scopes }: Callable, asked: readonly string[]): readonly ScopePlan[] {
  if (asked.length === 0) return scopes;
  const [given, wanted] = [new Set(scopes.map(({ name }) => name)), new Set(asked)];
  const more = [...wanted].filter((name) => !given.has(name));
  if (more.length > 0) {
    throw new WaybillError(
      'invalid_scope',
      `The graph does not give these at ${callee}: ${nameList(more)}. It gives: ${[...given].join(' ')}.`,
    );
  }
  return scopes.filter((scope) => wanted.has(scope.name));
}
