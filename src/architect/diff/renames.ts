/**
 * Finds scopes that have another name in the newer graph: what the older one calls `stock:reserve` and the newer
 * `stock:hold`, with the same operations, claims and calls. In: two plans. Out: the pairs.
 *
 * A scope without any of these is like every other, so its name is all there is of it: such a one is never taken for
 * another. The same holds where two could be meant.
 */
import type { Plan, ScopePlan, ServicePlan } from '../../graph/index.ts';
import type { Authority } from './authority.ts';
import { placeText, type Change } from './change.ts';

export interface Rename {
  readonly service: ServicePlan;
  readonly older: ScopePlan;
  readonly newer: ScopePlan;
}

/** A chain of renamed scopes, each of which calls the next, is found from its end on, a link in each round. */
const MAX_ROUNDS = 64;

export function findRenames(older: Plan, newer: Plan): readonly Rename[] {
  const open = [...newer.services.values()].flatMap((after) => {
    const before = older.services.get(after.name);
    if (!before) return [];
    const gone = scopesOnlyIn(before, after);
    const added = scopesOnlyIn(after, before);
    return gone.length > 0 && added.length > 0
      ? [{ service: after, gone, added, found: new Array<Rename>() }]
      : [];
  });
  const names = new Map<ScopePlan, string>();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = names.size;
    for (const { service, gone, added, found } of open) {
      const [had, has] = [byFacts(gone, names), byFacts(added, names)];
      for (const [facts, [one, ...others]] of had) {
        const [other, ...more] = has.get(facts) ?? [];
        if (!one || !other || others.length + more.length > 0) continue;
        found.push({ service, older: one, newer: other });
        names.set(one, other.name);
        gone.splice(gone.indexOf(one), 1);
        added.splice(added.indexOf(other), 1);
      }
    }
    if (names.size === before) break;
  }
  return open.flatMap(({ found }) => found);
}

/**
 * A renamed scope is one change, whatever number of clients, calls and tokens name it. Where it stands for the same
 * operations, all that is lost is the old name. Where it has none, nothing but its name says what it is for.
 */
export function reportRenames(renames: readonly Rename[], before: Authority, after: Authority): Change[] {
  return renames.map(({ service, older, newer }): Change => {
    const { name } = service;
    const isUsed = before.scopes.has(`${name}:${newer.name}`) && after.scopes.has(`${name}:${newer.name}`);
    const means =
      newer.operations.length > 0
        ? 'with the same operations, claims and calls'
        : 'with the same claims and calls; it has no operations that say what it is for';
    return {
      mark: !isUsed ? 'neutral' : newer.operations.length > 0 ? 'narrows' : 'widens',
      kind: 'rename',
      party: { kind: 'service', name },
      scopes: [newer.name],
      what: `${name}:${older.name} is now called ${newer.name}, ${means}; requests for the old name are refused`,
      place: placeText(newer),
    };
  });
}

function scopesOnlyIn(service: ServicePlan, other: ServicePlan): ScopePlan[] {
  return [...service.scopes.values()].filter(
    ({ name, operations, claims, calls }) =>
      !other.scopes.has(name) && operations.length + claims.length + calls.length > 0,
  );
}

function byFacts(
  scopes: readonly ScopePlan[],
  names: ReadonlyMap<ScopePlan, string>,
): ReadonlyMap<string, ScopePlan[]> {
  const found = new Map<string, ScopePlan[]>();
  for (const scope of scopes) {
    const facts = factsOf(scope, names);
    found.set(facts, [...(found.get(facts) ?? []), scope]);
  }
  return found;
}

/** @param names of scopes that are known to have another name. */
function factsOf({ operations, claims, calls }: ScopePlan, names: ReadonlyMap<ScopePlan, string>): string {
  return JSON.stringify([
    operations.toSorted(),
    claims.map(({ claim, required }) => [claim.name, required]),
    calls.map(({ callee, mode, probability, scopes }) => [
      callee,
      mode,
      probability,
      scopes.map((scope) => names.get(scope) ?? scope.name).sort(),
    ]),
  ]);
}
