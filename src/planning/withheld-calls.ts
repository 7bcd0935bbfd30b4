/**
 * What a request does not get because conditions do not hold. In: calls, and what was decided. Out: for each callee the scopes
 * that are left out, the conditions that do not hold, and the login that would help.
 */
import {
  conditionTexts,
  conditionsOn,
  mergeCalls,
  stepUpFor,
  type CallPlan,
  type Condition,
  type ConditionPlan,
  type ScopePlan,
  type Withholding,
} from '../graph/index.ts';

export interface WithheldCall {
  readonly service: string;
  /** Those that are left out. */
  readonly scope: readonly string[];
  /** What does not hold. */
  readonly when: readonly Condition[];
  /** The login with which all of them would be granted (RFC 9470); absent where none would do. */
  readonly step_up?: { readonly acr_values?: readonly string[]; readonly max_age?: number };
}

/**
 * @param declared calls of one party, in lists of which each names a callee once.
 * @param isAsked whether a scope is wanted at all. Default: each is.
 */
export function withheldCalls(
  declared: readonly (readonly CallPlan[])[],
  withholding: Withholding | undefined,
  isAsked: (scope: ScopePlan) => boolean = () => true,
): readonly WithheldCall[] {
  if (!withholding) return [];
  const { decision } = withholding;
  return mergeCalls(declared).flatMap(({ callee, mode, scopes, calls }): WithheldCall[] => {
    if (mode === 'none') return [];
    const isGiven = (scope: ScopePlan) =>
      calls.some((call) => call.scopes.includes(scope) && decision.allows(call, scope));
    const dropped = scopes.filter((scope) => isAsked(scope) && !isGiven(scope));
    if (dropped.length === 0) return [];
    const guarded = dropped.flatMap((scope) =>
      calls.flatMap((call) => (call.scopes.includes(scope) ? [{ call, scope }] : [])),
    );
    const stepUp = stepUpFor([], guarded, withholding);
    const { acrValues, maxAge } = stepUp?.scopes.length === dropped.length ? stepUp.login : {};
    return [
      {
        service: callee,
        scope: dropped.map(({ name }) => name),
        when: failing(calls, dropped, (condition) => !decision.holds(condition)),
        ...(acrValues || maxAge !== undefined
          ? {
              step_up: {
                ...(acrValues ? { acr_values: acrValues } : {}),
                ...(maxAge === undefined ? {} : { max_age: maxAge }),
              },
            }
          : {}),
      },
    ];
  });
}

function failing(
  calls: readonly CallPlan[],
  scopes: readonly ScopePlan[],
  fails: (condition: ConditionPlan) => boolean,
): readonly Condition[] {
  return conditionsOn(
    calls.map(({ when }) => ({ when: when.filter(({ condition }) => fails(condition)) })),
    scopes.map(({ name, when }) => ({ name, when: when && fails(when) ? when : undefined })),
  );
}

/** `step-up: acr_values urn:provider:2fa, max_age 300` */
export function stepUpText(acrValues: readonly string[] | undefined, maxAge: number | undefined): string {
  const parts = [
    ...(acrValues ? [`acr_values ${acrValues.join(' ')}`] : []),
    ...(maxAge === undefined ? [] : [`max_age ${maxAge}`]),
  ];
  return `step-up: ${parts.join(', ')}`;
}

/** `charge when strong; step-up: max_age 300` */
export function withheldText({ when, step_up: login }: WithheldCall): string {
  const help = login ? [stepUpText(login.acr_values, login.max_age)] : [];
  return [...conditionTexts(when), ...help].join('; ');
}
