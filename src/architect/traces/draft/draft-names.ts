/** Names the parties and scopes of a draft: keeps the names of an existing graph and never gives a name twice. */
import { getOrAdd } from '../../../get-or-add.ts';
import type { GraphNames } from '../match/graph-names.ts';
import type { Observation } from '../observation.ts';
import { ImportedNames } from './imported-names.ts';
import { Names, scopeCandidates } from './names.ts';

/** The scope for everything a service does, used if no operation is known. */
export const ANY_OPERATION = 'call';

export class DraftNames {
  readonly #observation: Observation;
  readonly #known: GraphNames | undefined;
  readonly #imported: ImportedNames;
  /** New names beside those of the graph. */
  readonly #parties: Names;
  readonly #scopes = new Map<string, ReadonlyMap<string, readonly string[]>>();

  constructor(observation: Observation, known?: GraphNames) {
    this.#observation = observation;
    this.#known = known;
    this.#imported = known?.imported ?? new ImportedNames(observation);
    this.#parties = new Names(known && [...known.plan.services.keys(), ...known.plan.clients.keys()]);
  }

  /** A service, or a callee without a token. */
  service(seen: string): string {
    if (!this.#known) return this.#imported.party(seen);
    const name = this.#known.nameOf(seen);
    return this.#known.isDeclared(name)
      ? name
      : this.#parties.give(`party ${seen}`, [this.#known.newName(seen)]);
  }

  /** The client for what a service does without a request; named like the service if it serves no requests. */
  job(seen: string, isService: boolean): string {
    if (!this.#known) return isService ? this.#imported.job(seen) : this.#imported.party(seen);
    const client = this.#known.jobClient(seen)?.name;
    if (client !== undefined) return client;
    if (!isService && !this.#known.service(seen)) return this.service(seen);
    return this.#parties.give(`job ${seen}`, [this.#imported.job(seen)]);
  }

  edge(): string {
    const name = this.#imported.edge;
    return !this.#known || this.#known.plan.clients.has(name) ? name : this.#parties.give('edge', [name]);
  }

  /** @returns several names if several scopes of the graph list the operation, none if the graph does not say which. */
  scopes(service: string, operation: string): readonly string[] {
    const names = getOrAdd(this.#scopes, service, () => this.#nameScopes(service));
    return names.get(operation) ?? (this.#known?.service(service) ? [] : [ANY_OPERATION]);
  }

  /** Short operations come first, so that they get the short names. */
  #nameScopes(service: string): ReadonlyMap<string, readonly string[]> {
    const plan = this.#known?.service(service);
    const given = new Names([ANY_OPERATION, ...(plan?.scopes.keys() ?? [])]);
    const operations = [...(this.#observation.services.get(service)?.operations.keys() ?? [])];
    operations.sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
    return new Map(
      operations
        .filter((operation) => operation !== '')
        .map((operation) => {
          const known = plan ? (this.#known?.scopes(plan, operation) ?? []) : [];
          if (known.length > 0) return [operation, known.map(({ name }) => name)];
          return [operation, [given.give(operation, scopeCandidates(operation))]];
        }),
    );
  }
}
