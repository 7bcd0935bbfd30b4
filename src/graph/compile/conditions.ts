/** Conditions on scopes of calls (`when`), as people and programs read them. */
import type { CallPlan, ConditionPlan, ScopePlan } from './plan.ts';

/** A condition on one scope: CEL; or a claim that has one of these values, or holds one of them in a list. */
export type Condition = { readonly scope: string } & (
  | { readonly text: string }
  /** `path`: where the subject's token has the claim; of other facts, their names. */
  | { readonly path: string; readonly values: readonly unknown[] }
);

/** Of calls, and of the scopes themselves. Each scope may have several, and all of them must hold. */
export function conditionsOn(
  calls: readonly Pick<CallPlan, 'when'>[],
  scopes: readonly Pick<ScopePlan, 'name' | 'when'>[],
): readonly Condition[] {
  const names = new Set(scopes.map(({ name }) => name));
  const ofCalls = calls.flatMap(({ when }) => when.filter(({ scope }) => names.has(scope)));
  const ofScopes = scopes.flatMap(({ name, when }) => (when ? [{ scope: name, condition: when }] : []));
  return [...ofCalls, ...ofScopes].flatMap(({ scope, condition }) => partsOf(scope, condition));
}

function partsOf(scope: string, { text, facts }: ConditionPlan): Condition[] {
  return text === undefined ? facts.map(({ path, values }) => ({ scope, path, values })) : [{ scope, text }];
}

/** Values that are written out; more are counted. */
const SHOWN_VALUES = 3;

/** `order when role is buyer or admin, and acr is high`, one text for each scope that has a condition. */
export function conditionTexts(conditions: readonly Condition[]): string[] {
  const byScope = new Map<string, string[]>();
  for (const condition of conditions) {
    const { scope } = condition;
    byScope.set(scope, [...(byScope.get(scope) ?? []), textOf(condition)]);
  }
  return Array.from(byScope, ([scope, parts]) => `${scope} when ${[...new Set(parts)].join(', and ')}`);
}

function textOf(condition: Condition): string {
  if ('text' in condition) return condition.text;
  const { path, values } = condition;
  const shown = values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
  const what = shown.length > SHOWN_VALUES ? `one of ${shown.length} values` : shown.join(' or ');
  return `${path} is ${what}`;
}
