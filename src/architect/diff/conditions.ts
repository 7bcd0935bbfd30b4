/**
 * Compares conditions: part by part, for what must hold beside another part narrows, and a part that is gone widens. Equal
 * parts have one id, however they are written.
 */
import { celOf, type ConditionPlan, type FactValuesPlan } from '../../graph/index.ts';
import { difference, type Impact } from './change.ts';

/** One change of the conditions on a scope. */
export interface ConditionChange {
  readonly mark: Impact;
  /** @param who gets the scope; absent: everyone who calls it. */
  readonly describe: (asked: string, who?: string) => string;
}

interface Part {
  /** Present where it is written as a mapping: such parts are compared value by value. */
  readonly fact: FactValuesPlan | undefined;
  readonly text: string;
}

export function compareConditions(
  older: readonly ConditionPlan[],
  newer: readonly ConditionPlan[],
): ConditionChange[] {
  const [had, has] = [partsOf(older), partsOf(newer)];
  const gone = [...had].filter(([id]) => !has.has(id)).map(([, part]) => part);
  const added = [...has].filter(([id]) => !had.has(id)).map(([, part]) => part);
  const pairs = added.map((part) => ({ part, before: gone.find((other) => areOfOneFact(part, other)) }));
  const paired = new Set(pairs.map(({ before }) => before));
  return [
    ...pairs.flatMap(({ part, before }) => (before ? compareValues(before, part) : [appeared(part)])),
    ...gone.filter((part) => !paired.has(part)).map(disappeared),
  ];
}

function areOfOneFact({ fact }: Part, other: Part): boolean {
  return fact !== undefined && fact.path === other.fact?.path;
}

function partsOf(conditions: readonly ConditionPlan[]): ReadonlyMap<string, Part> {
  return new Map(
    conditions.flatMap(({ facts, conjuncts }) =>
      conjuncts.map(({ id, expression }) => {
        const fact = facts.find((each) => each.id === id);
        return [id, { fact, text: celOf(expression) }] as const;
      }),
    ),
  );
}

function appeared({ fact, text }: Part): ConditionChange {
  return {
    mark: 'narrows',
    describe: fact
      ? gets(`now only for subjects whose ${fact.path} is ${valuesOf(fact).join(' or ')}`)
      : needs('now', text),
  };
}

function disappeared({ fact, text }: Part): ConditionChange {
  return {
    mark: 'widens',
    describe: fact ? gets(`whatever the ${fact.path} of the subject is`) : needs('no longer', text),
  };
}

function gets(how: string): ConditionChange['describe'] {
  return (asked, who = 'anyone') => `${who} gets ${asked} ${how}`;
}

function needs(when: string, text: string): ConditionChange['describe'] {
  return (asked, who) =>
    who === undefined ? `${asked} ${when} needs ${text}` : `${who} ${when} needs ${text} for ${asked}`;
}

function compareValues({ fact: before }: Part, { fact: after }: Part): ConditionChange[] {
  const { added, removed } = difference(valuesOf(before), valuesOf(after));
  const of = `subjects whose ${after?.path} is`;
  return [
    ...(added.length > 0
      ? [{ mark: 'widens', describe: gets(`now also for ${of} ${added.join(' or ')}`) } as const]
      : []),
    ...(removed.length > 0
      ? [{ mark: 'narrows', describe: gets(`no longer for ${of} ${removed.join(' or ')}`) } as const]
      : []),
  ];
}

function valuesOf(fact: FactValuesPlan | undefined): string[] {
  return (fact?.values ?? []).map((value) => JSON.stringify(value));
}
