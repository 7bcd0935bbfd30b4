/**
 * Compares whom the selectors of `callers` stand for. A call must be declared too, so that more callers issue nothing yet, but nothing
 * would refuse their calls any more. The other lists are compared by name where they are used.
 */
import type { Plan, SelectorPlan } from '../../graph/index.ts';
import { changesOf, difference, inProse, type Change } from './change.ts';

export function compareSelectors(older: Plan, newer: Plan): Change[] {
  const before = new Map(older.selectors.map((selector) => [keyOf(selector), selector.names]));
  return newer.selectors.flatMap((selector): Change[] => {
    const service = newer.services.get(selector.party);
    const was = before.get(keyOf(selector));
    if (selector.list !== 'callers' || !service || !was) return [];
    const { added, removed } = difference(was, selector.names);
    const change = (mark: 'widens' | 'narrows', now: string, names: readonly string[]): Change => {
      // The line that made it fit, or no longer.
      const [first = ''] = names;
      const place = newer.services.get(first) ?? newer.clients.get(first) ?? selector;
      const what = `callers ${selector.text} of ${service.name}:${selector.scope} ${now} stands for ${inProse(names)}`;
      return changesOf('service', service)(mark, 'callers', what, place);
    };
    return [
      ...(added.length > 0 ? [change('widens', 'now', added)] : []),
      ...(removed.length > 0 ? [change('narrows', 'no longer', removed)] : []),
    ];
  });
}

function keyOf({ party, scope, list, text }: SelectorPlan): string {
  return `${party}:${scope} ${list} ${text}`;
}
