/**
 * The names that an import gives to parties. They depend on what was seen alone, in any order, so that a second import
 * finds what the first one wrote.
 */
import type { Observation } from '../observation.ts';
import { Names, legalName, withSuffix } from './names.ts';

const EDGE = 'edge-client';

export class ImportedNames {
  readonly edge: string;
  readonly #names = new Names();
  readonly #parties = new Map<string, string>();
  /** By the name that was given. */
  readonly #owners = new Map<string, string>();
  readonly #jobs = new Map<string, string>();

  constructor({ services }: Observation) {
    const seen = new Set(services.keys());
    for (const { operations, own } of services.values())
      for (const { callees } of [...operations.values(), own])
        for (const name of callees.keys()) seen.add(name);
    // Legal names stay as they are; then come services, and callees without a token.
    const rank = (name: string): number => (isLegal(name) ? 0 : services.has(name) ? 1 : 2);
    const sorted = [...seen].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
    for (const name of sorted) {
      const given = this.#names.give(`party ${name}`, [legalName(name, 'service')]);
      this.#parties.set(name, given);
      this.#owners.set(given, name);
    }
    for (const name of sorted.filter((one) => services.has(one)))
      this.#jobs.set(name, this.#names.give(`job ${name}`, [withSuffix(this.party(name), '-jobs')]));
    this.edge = this.#names.give('edge', [EDGE]);
  }

  /** A service, a client, or a callee without a token. */
  party(seen: string): string {
    return this.#parties.get(seen) ?? legalName(seen, 'service');
  }

  /** Whether the name was given to another party. */
  isOfAnother(name: string, seen: string): boolean {
    const owner = this.#owners.get(name);
    return owner !== undefined && owner !== seen;
  }

  /** The client for what a service does without a request. */
  job(seen: string): string {
    return this.#jobs.get(seen) ?? withSuffix(this.party(seen), '-jobs');
  }
}

function isLegal(name: string): boolean {
  return legalName(name, '') === name;
}
