/** Finds the callers and callees of a party within a number of calls. */
import { getOrAdd } from '../../get-or-add.ts';
import { callersOf, type Plan } from '../../graph/index.ts';

/**
 * @param name a client, a service or a callee outside the graph.
 * @param depth number of calls, in both directions.
 * @returns the names, including `name`.
 */
export function neighbourhood(plan: Plan, name: string, depth: number): ReadonlySet<string> {
  const [below, above] = [new Map<string, string[]>(), new Map<string, string[]>()];
  for (const { name: caller, branches } of callersOf(plan)) {
    for (const { callee } of branches) {
      getOrAdd(below, caller, () => []).push(callee);
      getOrAdd(above, callee, () => []).push(caller);
    }
  }
  return new Set([...within(below, name, depth), ...within(above, name, depth)]);
}

function within(next: ReadonlyMap<string, readonly string[]>, name: string, depth: number): Set<string> {
  const reached = new Set([name]);
  let edge = [name];
  for (let step = 0; step < depth && edge.length > 0; step++) {
    edge = edge.flatMap((from) => next.get(from) ?? []).filter((to) => !reached.has(to) && reached.add(to));
  }
  return reached;
}
