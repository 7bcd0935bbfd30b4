/**
 * Which claims of the subject and of the request a token must keep for later: those of every subtree on demand, as far
 * as the token does not carry them itself. Fixed values and those of a client need no keeping, the graph has them; and
 * those of an embedded subtree stand in its own tokens.
 */
import { getOrAdd } from '../../get-or-add.ts';
import type { ClaimPlan, Plan, ScopePlan, ServicePlan } from './plan.ts';
import type { Branch, TokenBody } from './walk.ts';

/** @returns the claims that a token keeps for later, by its body, for its presenter has no part in it. */
export function heldClaimsOf(plan: Plan): (body: TokenBody) => readonly ClaimPlan[] {
  if (!canCarry(plan)) return () => [];
  return (body) => needsOf(plan).held(body);
}

/**
 * @returns the claims of the subject and of the request that a tree may need, by its root's body, in it and in all that it
 *   leads to.
 */
export function carriedClaimsOf(plan: Plan): (body: TokenBody) => readonly ClaimPlan[] {
  if (!canCarry(plan)) return () => [];
  return (body) => needsOf(plan).all(body);
}

function canCarry({ claims, clients }: Plan): boolean {
  return (
    [...clients.values()].some((client) => client.subjects.length > 0) ||
    [...claims.values()].some(({ source }) => 'from' in source && source.from === 'request')
  );
}

const known = new WeakMap<Plan, CarriedNeeds>();

function needsOf(plan: Plan): CarriedNeeds {
  return getOrAdd(known, plan, () => new CarriedNeeds(plan));
}

/** Whether the value of a claim is known at the begin of a tree alone, and so travels in it. */
export function isCarried({ source }: ClaimPlan): boolean {
  return 'from' in source && source.from !== 'client';
}

/**
 * What each scope may carry, itself and in all that it leads to. A token for several scopes needs what each of them needs:
 * merging their calls adds none.
 */
class CarriedNeeds {
  /** Each list in the order of declaration. */
  readonly #below = new Map<ScopePlan, ClaimPlan[]>();
  readonly #held = new WeakMap<TokenBody, readonly ClaimPlan[]>();

  constructor({ services }: Plan) {
    const callers = new Map<ScopePlan, ScopePlan[]>();
    const carriers = new Map<ClaimPlan, ScopePlan[]>();
    for (const service of services.values()) {
      for (const scope of service.scopes.values()) {
        for (const callee of calleesOf(service, scope)) getOrAdd(callers, callee, () => []).push(scope);
        for (const { claim } of [...service.claims, ...scope.claims])
          if (isCarried(claim)) getOrAdd(carriers, claim, () => []).push(scope);
      }
    }
    const claims = [...carriers].sort(([one], [other]) => one.index - other.index);
    for (const [claim, scopes] of claims) {
      // It grows meanwhile.
      const found = new Set(scopes);
      for (const scope of found) {
        getOrAdd(this.#below, scope, () => []).push(claim);
        for (const caller of callers.get(scope) ?? []) found.add(caller);
      }
    }
  }

  held(token: TokenBody): readonly ClaimPlan[] {
    return getOrAdd(this.#held, token, () => {
      const carried = new Set(token.claims.map(({ claim }) => claim.name));
      // What a sealed token carries nobody above can read, the issuer neither: an exchange takes it from here.
      const unread = token.branches.filter(
        ({ mode, seal }) => mode === 'exchange' || (mode === 'embed' && seal),
      );
      return this.#neededBy(unread).filter(({ name }) => !carried.has(name));
    });
  }

  all({ claims, branches }: TokenBody): readonly ClaimPlan[] {
    const own = claims.flatMap(({ claim }) => (isCarried(claim) ? [claim] : []));
    return declaredOnce([...own, ...this.#neededBy(branches.filter(leadsOn))]);
  }

  #neededBy(branches: readonly Branch[]): ClaimPlan[] {
    return declaredOnce(
      branches.flatMap(({ scopes }) => scopes.flatMap((scope) => this.#below.get(scope) ?? [])),
    );
  }
}

function declaredOnce(claims: readonly ClaimPlan[]): ClaimPlan[] {
  return [...new Set(claims)].sort((one, other) => one.index - other.index);
}

function calleesOf(service: ServicePlan, scope: ScopePlan): ScopePlan[] {
  return [...service.calls, ...scope.calls].filter(leadsOn).flatMap(({ scopes }) => scopes);
}

/** Whether the callee gets a token of its own. */
function leadsOn({ mode }: Pick<Branch, 'mode'>): boolean {
  return mode === 'embed' || mode === 'exchange';
}
