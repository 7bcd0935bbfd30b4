/**
 * Compares who may be a caller: the lists under `callers`, and whom their selectors stand for. In: the authority of two graphs.
 * Out: changes. A call must be declared too, so that more callers issue nothing yet, but nothing would refuse their calls any more.
 */
import { getOrAdd } from '../../get-or-add.ts';
import type { Place, Plan, ScopePlan, ServicePlan } from '../../graph/index.ts';
import type { Authority } from './authority.ts';
import { difference, inProse, placeText, type Change } from './change.ts';
import type { Unchanged } from './unchanged.ts';

export function compareCallers(older: Authority, newer: Authority, unchanged: Unchanged): Change[] {
  const [before, after] = [selectorsOf(older.plan), selectorsOf(newer.plan)];
  return [...newer.plan.services.values()].flatMap((service): Change[] => {
    if (unchanged.service(service.name)) return [];
    const scopes = older.plan.services.get(service.name)?.scopes.values() ?? [];
    const earlier = new Map(Array.from(scopes, (scope) => [older.nameOf(scope), scope]));
    return [...service.scopes.values()].flatMap((scope): Change[] => {
      const was = earlier.get(scope.name);
      if (!was || (!was.callers && !scope.callers)) return [];
      const selectors = [before.get(keyOf(service, was)), after.get(keyOf(service, scope))] as const;
      return compareLists({ service, was, scope, selectors, plan: newer.plan });
    });
  });
}

/** Whom each selector of a scope stands for, by its text. */
type Selectors = ReadonlyMap<string, readonly string[]>;

interface Lists {
  readonly service: ServicePlan;
  readonly was: ScopePlan;
  readonly scope: ScopePlan;
  readonly selectors: readonly [older: Selectors | undefined, newer: Selectors | undefined];
  readonly plan: Plan;
}

function compareLists({ service, was, scope, selectors, plan }: Lists): Change[] {
  const name = keyOf(service, scope);
  const change = (mark: 'widens' | 'narrows', what: string, place: Place = scope): Change => {
    const party = { kind: 'service', name: service.name } as const;
    return { mark, kind: 'callers', party, scopes: [scope.name], what, place: placeText(place) };
  };
  if (!scope.callers)
    return [change('widens', `${name} may now be called by anyone, with a call in the graph`)];
  const { added, removed } = difference(was.callers ?? [], scope.callers);
  if (!was.callers)
    return [change('narrows', `${name} may now be called by ${inProse(added) || 'no one'} alone`)];
  const [named, unnamed] = [new Set(added), new Set(removed)];
  const changes: Change[] = [];
  for (const [text, names] of selectors[1] ?? []) {
    const had = selectors[0]?.get(text);
    if (!had) continue;
    const stands = (mark: 'widens' | 'narrows', now: string, parties: readonly string[]): void => {
      const [first] = parties;
      if (first === undefined) return;
      // The line that made it fit, or no longer.
      const place = plan.services.get(first) ?? plan.clients.get(first);
      changes.push(change(mark, `callers ${text} of ${name} ${now} stands for ${inProse(parties)}`, place));
    };
    const fits = difference(had, names);
    stands('widens', 'now', takeFrom(named, fits.added));
    stands('narrows', 'no longer', takeFrom(unnamed, fits.removed));
  }
  if (named.size > 0) changes.push(change('widens', `${name} may now be called by ${inProse([...named])}`));
  if (unnamed.size > 0)
    changes.push(change('narrows', `${name} may no longer be called by ${inProse([...unnamed])}`));
  return changes;
}

/** @returns those of the parties that were there; a party that fits two selectors is reported once. */
function takeFrom(rest: Set<string>, parties: readonly string[]): string[] {
  return parties.filter((party) => rest.delete(party));
}

function selectorsOf({ selectors }: Plan): ReadonlyMap<string, Selectors> {
  const scopes = new Map<string, Map<string, readonly string[]>>();
  for (const { list, party, scope, text, names } of selectors)
    if (list === 'callers') getOrAdd(scopes, `${party}:${scope}`, () => new Map()).set(text, names);
  return scopes;
}

function keyOf(service: ServicePlan, scope: ScopePlan): string {
  return `${service.name}:${scope.name}`;
}
