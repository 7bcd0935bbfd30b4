/** Names the parties and scopes of a draft: keeps the names of an existing graph and never gives a name twice. */
import { getOrAdd } from '../../../get-or-add.ts';
import type { GraphNames } from '../match/graph-names.ts';
import type { Observation } from '../observation.ts';
import { Names, legalName, scopeCandidates } from './names.ts';

/** The scope for everything a service does, used if no operation is known. */
export const ANY_OPERATION = 'call';
const EDGE = 'edge-client';

export class DraftNames {
  readonly #observation: Observation;
  readonly #known: GraphNames | undefined;
  /** By kind and name in the source: a source may give a service and a client the same name. */
  readonly #parties: Names;
  readonly #scopes = new Map<string, ReadonlyMap<string, readonly string[]>>();

  constructor(observation: Observation, known?: GraphNames) {
    this.#observation = observation;
    this.#known = known;
    this.#parties = new Names(known && [...known.plan.services.keys(), ...known.plan.clients.keys()]);
    if (!known) for (const name of observation.services.keys()) this.service(name);
  }

  service(seen: string): string {
    const { plan } = this.#known ?? {};
    const name = this.#known?.nameOf(seen) ?? seen;
    if (plan?.services.has(name)) return name;
    return this.#parties.give(`service ${seen}`, [legalName(name, 'service')]);
  }

  /** The client for what a service does without a request; named like the service if it serves no requests. */
  job(seen: string, isService: boolean): string {
    if (isService) return this.#parties.give(`job ${seen}`, [`${this.service(seen)}-jobs`]);
    return this.#known?.client(seen)?.name ?? this.service(seen);
  }

  edge(): string {
    return this.#parties.give('edge', [EDGE]);
  }

  /** @returns several names if several scopes of the graph list the operation, none if the graph does not say which. */
  scopes(service: string, operation: string): readonly string[] {
    const names = getOrAdd(this.#scopes, service, () => this.#nameScopes(service));
    return names.get(operation) ?? (this.#known?.service(service) ? [] : [ANY_OPERATION]);
  }

  /** Short operations come first, so that they get the short names. */
  #nameScopes(service: string): ReadonlyMap<string, readonly string[]> {
    const plan = this.#known?.service(service);
    const given = new Names(plan?.scopes.keys());
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
