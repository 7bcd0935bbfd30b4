/** Conditions: of the scopes of a call, of a scope, and with a name. */
import { toValue } from '../load/schema.ts';
import type { Node } from '../load/yaml.ts';
import type { CallCondition, ConditionDeclaration } from './declaration.ts';
import { Fields, place, textOf } from './fields.ts';

/** Most calls have none: they share one empty list, as there may be a hundred thousand of them. */
const NOTHING: readonly never[] = [];

/** `when` of a call: one text for all its scopes, or a condition for each scope. */
export function readCallConditions(call: Fields): readonly CallCondition[] {
  const node = call.at('when');
  if (!node) return NOTHING;
  const condition = readText(node);
  if (condition) return [{ scope: undefined, condition }];
  return call.entries('when').map(([scope, { key, value }]) => ({
    scope: { ...place(key), value: scope },
    condition: readCondition(value),
  }));
}

export function readCondition(node: Node): ConditionDeclaration {
  return readText(node) ?? { ...place(node), text: undefined, facts: readFacts(new Fields(node)) };
}

function readText(node: Node): ConditionDeclaration | undefined {
  const text = textOf(node);
  return text && { ...place(text), text: text.value, facts: NOTHING };
}

function readFacts(condition: Fields): ConditionDeclaration['facts'] {
  return condition.entries().map(([fact, { key, value }]) => ({
    fact: { ...place(key), value: fact },
    values: value.kind === 'list' ? value.items.map((item) => toValue(item)) : NOTHING,
  }));
}
