/** Which parts of conditions decide about the trees below a scope, by exchange too. */
import { getOrAdd } from '../../get-or-add.ts';
import { conditionsFor } from '../conditions/decision.ts';
import type { CallPlan, Conjunct, Plan, ScopePlan, ServicePlan } from './plan.ts';
import type { TokenBody } from './walk.ts';

/** Whether any call or scope has a condition. */
export function hasConditions(plan: Plan): boolean {
  return conjunctsOf(plan).areThere;
}

/**
 * The conditions on a client's own calls, and those on all that they lead to.
 *
 * @param scopes of these calls alone. Default: all.
 */
export function conjunctsOfRequest(
  plan: Plan,
  calls: readonly CallPlan[],
  scopes?: readonly ScopePlan[],
): readonly Conjunct[] {
  return conjunctsOf(plan).ofCalls(calls, scopes);
}

/**
 * The conditions on what the service of a token may fetch with it, callees whose tokens it embeds too. What was decided of
 * them travels in the token.
 */
export function heldConjunctsOf(plan: Plan): (body: TokenBody) => readonly Conjunct[] {
  if (!hasConditions(plan)) return () => NOTHING;
  return ({ service, scopes }) => {
    if (!service.auth) return NOTHING;
    return conjunctsOf(plan).ofCalls([service.calls, ...scopes.map(({ calls }) => calls)].flat());
  };
}

const known = new WeakMap<Plan, GuardedScopes>();

function conjunctsOf(plan: Plan): GuardedScopes {
  return getOrAdd(known, plan, () => new GuardedScopes(plan));
}

const NOTHING: readonly Conjunct[] = [];

class GuardedScopes {
  /** Below each scope that leads to some. */
  readonly #below = new Map<ScopePlan, Set<Conjunct>>();
  readonly areThere: boolean;

  constructor({ clients, services }: Plan) {
    const callers = new Map<ScopePlan, ScopePlan[]>();
    const guarded = new Map<Conjunct, Set<ScopePlan>>();
    for (const { scope, call, callee } of callsOf(services.values())) {
      getOrAdd(callers, callee, () => []).push(scope);
      for (const conjunct of conjunctsOn(call, callee))
        getOrAdd(guarded, conjunct, () => new Set()).add(scope);
    }
    for (const [conjunct, scopes] of guarded) {
      // It grows meanwhile.
      for (const scope of scopes) {
        getOrAdd(this.#below, scope, () => new Set()).add(conjunct);
        for (const caller of callers.get(scope) ?? []) scopes.add(caller);
      }
    }
    const ofClients = [...clients.values()].flatMap(({ calls }) => calls);
    this.areThere =
      guarded.size > 0 ||
      ofClients.some((call) => call.scopes.some((scope) => conjunctsOn(call, scope).length > 0));
  }

  /** @param only scopes of the calls. Default: all. */
  ofCalls(calls: readonly CallPlan[], only?: readonly ScopePlan[]): readonly Conjunct[] {
    if (!this.areThere) return NOTHING;
    const found = new Set<Conjunct>();
    for (const call of calls) {
      if (call.mode === 'none') continue;
      for (const scope of call.scopes) {
        if (only && !only.includes(scope)) continue;
        for (const conjunct of conjunctsOn(call, scope)) found.add(conjunct);
        for (const conjunct of this.#below.get(scope) ?? NOTHING) found.add(conjunct);
      }
    }
    return [...found];
  }
}

interface CallOfScope {
  readonly scope: ScopePlan;
  readonly call: CallPlan;
  readonly callee: ScopePlan;
}

/** Each call of each scope, for each scope that it names. */
function* callsOf(services: Iterable<ServicePlan>): Generator<CallOfScope> {
  for (const service of services)
    for (const scope of service.scopes.values())
      for (const call of [...service.calls, ...scope.calls])
        for (const callee of call.scopes) yield { scope, call, callee };
}

function conjunctsOn(call: CallPlan, scope: ScopePlan): readonly Conjunct[] {
  if (call.when.length === 0 && !scope.when) return NOTHING;
  return conditionsFor(call, scope).flatMap(({ conjuncts }) => conjuncts);
}
