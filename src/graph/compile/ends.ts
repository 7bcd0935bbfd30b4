/** The last days of merged calls (`until`), as people and programs read them. */
import type { CallPlan, ScopePlan } from './plan.ts';

/** The last day on which these scopes are called. */
export interface CallEnd {
  /** In UTC: 2027-03-31. */
  readonly until: string;
  /** Empty where the call has no scopes. */
  readonly scopes: readonly string[];
}

type Calls = readonly Pick<CallPlan, 'scopes' | 'until'>[];

/** @returns the last day of a scope in merged calls: that of the call which ends last. Undefined where one has no end. */
export function lastDay(calls: Calls, scope?: ScopePlan): string | undefined {
  let last: string | undefined;
  for (const { scopes, until } of calls) {
    if (scope && !scopes.includes(scope)) continue;
    if (until === undefined) return undefined;
    if (last === undefined || until > last) last = until;
  }
  return last;
}

/** @returns the days on which scopes of merged calls end, in the order of the scopes; empty where none ends. */
export function endsOf(calls: Calls, scopes: readonly ScopePlan[]): readonly CallEnd[] {
  if (calls.every(({ until }) => until === undefined)) return NO_ENDS;
  if (scopes.length === 0) {
    const until = lastDay(calls);
    return until === undefined ? NO_ENDS : [{ until, scopes: [] }];
  }
  const byDay = new Map<string, string[]>();
  for (const scope of scopes) {
    const until = lastDay(calls, scope);
    if (until !== undefined) byDay.set(until, [...(byDay.get(until) ?? []), scope.name]);
  }
  return Array.from(byDay, ([until, names]) => ({ until, scopes: names }));
}

const NO_ENDS: readonly CallEnd[] = [];

/**
 * `until 2027-03-31`; where only some of the scopes end then, `read and write until 2027-03-31`, one text for each day.
 *
 * @param count of the scopes of the call.
 */
export function endTexts(ends: readonly CallEnd[], count: number): string[] {
  return ends.map(({ until, scopes }) =>
    scopes.length === count ? `until ${until}` : `${scopes.join(' and ')} until ${until}`,
  );
}
