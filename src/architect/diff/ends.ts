/** Compares the last days of calls (`until`). In: merged calls of two graphs. Out: which scopes end on another day than before. */
import { getOrAdd } from '../../get-or-add.ts';
import { lastDay, type CallPlan, type ScopePlan } from '../../graph/index.ts';
import type { Authority } from './authority.ts';
import type { Impact } from './change.ts';

interface Called {
  readonly scopes: readonly ScopePlan[];
  readonly calls: readonly CallPlan[];
}

export interface EndChange {
  readonly mark: Impact;
  /** Those of the newer graph with this change. */
  readonly scopes: readonly ScopePlan[];
  /** `until 2027-03-31, not 2027-01-31` */
  readonly until: string;
}

/** Of scopes in both: an end that is new or earlier narrows, one that is later or gone widens. */
export function compareEnds(before: Called, after: Called, older: Authority): EndChange[] {
  const changes = new Map<string, { mark: Impact; scopes: ScopePlan[]; until: string }>();
  for (const scope of after.scopes) {
    const earlier = before.scopes.find((each) => older.nameOf(each) === scope.name);
    if (!earlier) continue;
    const [was, is] = [lastDay(before.calls, earlier), lastDay(after.calls, scope)];
    if (was === is) continue;
    const mark: Impact = is !== undefined && (was === undefined || is < was) ? 'narrows' : 'widens';
    const until =
      is === undefined
        ? `without an end, not until ${was}`
        : `until ${is}${was === undefined ? '' : `, not ${was}`}`;
    getOrAdd(changes, until, () => ({ mark, scopes: [], until })).scopes.push(scope);
  }
  return [...changes.values()];
}
