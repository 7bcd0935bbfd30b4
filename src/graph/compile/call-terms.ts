/** On what terms a call is made: its conditions, last days and sealing, as every view of a graph shows them. */
import { conditionTexts, conditionsOn, type Condition } from './conditions.ts';
import { endTexts, endsOf, type CallEnd } from './ends.ts';
import type { CallPlan, ScopePlan } from './plan.ts';
import { isSealedBy } from './sealed.ts';

export interface CallTerms {
  /** What the user's claims must be for a scope to be granted; absent where nothing is asked of them. */
  readonly when?: readonly Condition[];
  /** The last days of scopes of the call; absent where it has no end. */
  readonly ends?: readonly CallEnd[];
  /** Whether the callee alone can read its token; absent: it is not sealed. */
  readonly sealed?: true;
}

/** @param calls to one callee, merged. @param scopes those of the callee that they name. */
export function termsOf(calls: readonly CallPlan[], scopes: readonly ScopePlan[]): CallTerms {
  const [when, ends] = [conditionsOn(calls, scopes), endsOf(calls, scopes)];
  return {
    ...(when.length > 0 ? { when } : {}),
    ...(ends.length > 0 ? { ends } : {}),
    ...(isSealedBy(calls) ? { sealed: true } : {}),
  };
}

/**
 * One text for each: `sealed`, `pay when role is buyer`, `until 2027-03-31`.
 *
 * @param count of the scopes of the call.
 */
export function termTexts({ when = [], ends = [], sealed }: CallTerms, count: number): string[] {
  return [...(sealed ? ['sealed'] : []), ...conditionTexts(when), ...endTexts(ends, count)];
}
