/** Parties that authenticate with a SPIFFE ID, found by their name in the graph or by the id. */
import { getOrAdd } from '../../get-or-add.ts';
import type { AuthPlan } from '../../graph/index.ts';
import type { Steps } from '../../planning/index.ts';
import { partiesWith, type AuthenticatingParty, type AuthenticationOptions } from './parties.ts';
import { documentOf, unusable } from './party-keys.ts';

type SpiffeMethod = 'spiffe_x509' | 'spiffe_jwt';

export interface SpiffeParty<Keys> {
  readonly name: string;
  /** Any of them: a deployment and its canary are one party. */
  readonly spiffeIds: readonly string[];
  /** The keys in the bundle of its own trust domain only (threat 17). */
  readonly keys: Keys;
}

export interface SpiffeParties<Keys> {
  /** By its name in the graph. A name has no colon, so it is never a SPIFFE ID. */
  findByName(clientId: string): SpiffeParty<Keys> | undefined;
  /**
   * By its SPIFFE ID. A service and a client may be one workload: then the id finds none of them, and the request must
   * give a name.
   */
  findById(spiffeId: string): SpiffeParty<Keys> | undefined;
}

/**
 * @param read reads the keys of a bundle; undefined if it has no usable key.
 * @param what those keys are, for the message.
 * @throws WaybillError `keys_missing`, `keys_invalid`
 */
export function* prepareSpiffeParties<Keys>(
  { plan, keySets }: AuthenticationOptions,
  method: SpiffeMethod,
  read: (document: unknown) => Keys | undefined,
  what: string,
): Steps<SpiffeParties<Keys>> {
  const byName = new Map<string, SpiffeParty<Keys>>();
  const byId = new Map<string, SpiffeParty<Keys>[]>();
  // All the services of a mesh have one bundle, which is read once.
  const bundles = new Map<unknown, Keys | undefined>();
  const parties: ReadonlyMap<
    string,
    AuthenticatingParty<Extract<AuthPlan, { spiffeId: string }>>
  > = partiesWith(plan, method);
  for (const { name, auth } of parties.values()) {
    const document = documentOf(name, auth.keys, keySets);
    if (!bundles.has(document)) bundles.set(document, read(document));
    const keys = bundles.get(document);
    if (keys === undefined) throw unusable(name, what);
    const party = { name, spiffeIds: [auth.spiffeId, ...auth.otherIds], keys };
    byName.set(name, party);
    for (const id of party.spiffeIds) getOrAdd(byId, id, () => []).push(party);
    yield;
  }
  return {
    findByName: (clientId) => byName.get(clientId),
    findById(spiffeId) {
      const [party, other] = byId.get(spiffeId) ?? [];
      return other ? undefined : party;
    },
  };
}
