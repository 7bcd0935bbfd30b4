/** Scopes that a tree lacks and that the user would have after another login (RFC 9470). */
import type { RequiredLogin } from '../../errors.ts';
import { conditionsFor, type Decision } from '../conditions/decision.ts';
import { CommonLogin, type Logins } from '../conditions/step-up.ts';
import type { CallPlan, ConditionPlan, ScopePlan, ServicePlan, SubjectPlan } from './plan.ts';

/** A scope, and the call that names it. */
export interface GuardedScope {
  readonly call: CallPlan;
  readonly scope: ScopePlan;
}

/** What another login would give. */
export interface StepUp {
  /** Scopes that were asked for and are dropped, or below which a call is not made. */
  readonly scopes: readonly string[];
  readonly login: RequiredLogin;
}

/** What decides that scopes are dropped. */
export interface Withholding {
  /** Absent: no user has logged in. */
  readonly provider: SubjectPlan | undefined;
  readonly decision: Decision;
  readonly logins: Logins;
}

/**
 * Several scopes are named together only if one level serves all of them; those that no such level serves are left out.
 *
 * @param given scopes of which the tree has a token.
 * @param dropped scopes whose own conditions do not hold.
 */
export function stepUpFor(
  given: readonly (GuardedScope & { readonly service: ServicePlan })[],
  dropped: readonly GuardedScope[],
  { provider, decision, logins }: Withholding,
): StepUp | undefined {
  if (!provider || decision.stepUp.size === 0) return undefined;
  const scopes = new Set<string>();
  const common = new CommonLogin(provider, logins);
  const add = (name: string, more: readonly ConditionPlan[]): void => {
    if (common.add(more)) scopes.add(name);
  };
  for (const { call, scope } of dropped) {
    const unmet = unmetOf(call, scope, decision);
    if (unmet.every((condition) => decision.isStepUp(condition))) add(scope.name, unmet);
  }
  for (const { service, scope } of given) {
    for (const unmet of droppedBelow(service, scope, decision)) add(scope.name, unmet);
  }
  const { login } = common;
  return login && { scopes: [...scopes], login };
}

function unmetOf(call: CallPlan, scope: ScopePlan, decision: Decision): readonly ConditionPlan[] {
  return conditionsFor(call, scope).filter((condition) => !decision.holds(condition));
}

/** The unmet conditions of each scope that is dropped below a scope, embedded or by exchange, and that a login would give. */
function droppedBelow(
  service: ServicePlan,
  scope: ScopePlan,
  decision: Decision,
): readonly (readonly ConditionPlan[])[] {
  const dropped: (readonly ConditionPlan[])[] = [];
  const seen = new Set([scope]);
  const waiting = [{ service, scope }];
  for (const caller of waiting) {
    for (const { call, service: target, scope: callee } of calleesOf(caller)) {
      const unmet = unmetOf(call, callee, decision);
      if (unmet.some((condition) => !decision.isStepUp(condition))) continue;
      if (unmet.length > 0) dropped.push(unmet);
      else if (!seen.has(callee)) waiting.push({ service: target, scope: callee });
      seen.add(callee);
    }
  }
  return dropped;
}

function calleesOf(caller: { readonly service: ServicePlan; readonly scope: ScopePlan }) {
  return [...caller.service.calls, ...caller.scope.calls].flatMap((call) => {
    const { service, mode } = call;
    return service && mode !== 'none' ? call.scopes.map((scope) => ({ call, service, scope })) : [];
  });
}
