/** Names the parties and scopes of a draft: keeps the names of an existing graph and never gives a name twice. */
import { getOrAdd } from '../../../get-or-add.ts';
import type { GraphNames } from '../match/graph-names.ts';
import type { Observation } from '../observation.ts';
import { ImportedNames } from './imported-names.ts';
import { Names, scopeCandidates } from './names.ts';

/** The scope for everything a service does, used if no operation is known. */
export const ANY_OPERATION = 'call';

export type DraftNames = ReturnType<typeof draftNames>;

export function draftNames(observation: Observation, known?: GraphNames) {
  const scopes = new Map<string, ReadonlyMap<string, readonly string[]>>();
  const imported = known?.imported ?? new ImportedNames(observation);
  /** New names beside those of the graph. */
  const parties = new Names(known && [...known.plan.services.keys(), ...known.plan.clients.keys()]);

  /** A service, or a callee without a token. */
  function service(seen: string): string {
    if (!known) return imported.party(seen);
    const name = known.nameOf(seen);
    return known.isDeclared(name) ? name : parties.give(`party ${seen}`, [known.newName(seen)]);
  }

  /** Short operations come first, so that they get the short names. */
  function nameScopes(seen: string): ReadonlyMap<string, readonly string[]> {
    const plan = known?.service(seen);
    const given = new Names([ANY_OPERATION, ...(plan?.scopes.keys() ?? [])]);
    const operations = [...(observation.services.get(seen)?.operations.keys() ?? [])];
    operations.sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
    return new Map(
      operations
        .filter((operation) => operation !== '')
        .map((operation) => {
          const listed = plan ? (known?.scopes(plan, operation) ?? []) : [];
          if (listed.length > 0) return [operation, listed.map(({ name }) => name)];
          return [operation, [given.give(operation, scopeCandidates(operation))]];
        }),
    );
  }

  return {
    service,
    /** The client for what a service does without a request; named like the service if it serves no requests. */
    job(seen: string, isService: boolean): string {
      if (!known) return isService ? imported.job(seen) : imported.party(seen);
      const client = known.jobClient(seen)?.name;
      if (client !== undefined) return client;
      if (!isService && !known.service(seen)) return service(seen);
      return parties.give(`job ${seen}`, [imported.job(seen)]);
    },
    edge(): string {
      const name = imported.edge;
      return !known || known.plan.clients.has(name) ? name : parties.give('edge', [name]);
    },
    /** @returns several names if several scopes of the graph list the operation, none if the graph does not say which. */
    scopes(seen: string, operation: string): readonly string[] {
      const names = getOrAdd(scopes, seen, () => nameScopes(seen));
      return names.get(operation) ?? (known?.service(seen) ? [] : [ANY_OPERATION]);
    },
  };
}
