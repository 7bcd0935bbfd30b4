/** On what the user of a request must be for a scope to be granted: `when` of a client's call, as people and programs read it. */
import type { CallPlan, Condition, ScopePlan } from './plan.ts';

/** Of calls that have some; each scope may have several, and all of them must hold. */
export function conditionsOn(
  calls: readonly CallPlan[],
  scopes: readonly Pick<ScopePlan, 'name'>[],
): readonly Condition[] {
  const names = new Set(scopes.map(({ name }) => name));
  return calls.flatMap(({ when }) => when.filter(({ scope }) => names.has(scope)));
}

/** Values that are written out; more are counted. */
const SHOWN_VALUES = 3;

/** `order if role is buyer or admin, and acr is high`, one text for each scope that has a condition. */
export function conditionTexts(conditions: readonly Condition[]): string[] {
  const byScope = new Map<string, string[]>();
  for (const { scope, path, values } of conditions) {
    const shown = values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
    const what = shown.length > SHOWN_VALUES ? `one of ${shown.length} values` : shown.join(' or ');
    byScope.set(scope, [...(byScope.get(scope) ?? []), `${path} is ${what}`]);
  }
  return Array.from(byScope, ([scope, parts]) => `${scope} if ${parts.join(', and ')}`);
}
