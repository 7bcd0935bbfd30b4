/**
 * What helps against readers of a claim outside its zones. In: who reads it, in the tokens of which services. Out: a
 * hint. Who presents a token that is not sealed, or is its audience, reads its claims in every mode; those above read only
 * what is embedded.
 */
import { getOrAdd } from '../../get-or-add.ts';
import { partyNames, type ClaimPlan, type Plan, type ServicePlan } from '../../graph/index.ts';
import type { Party } from './parties.ts';
import type { Readers } from './readers.ts';

/** Why a party reads the claim. Each has other remedies. */
type Reason = 'audience' | 'forwarded' | 'presenter' | 'gateway' | 'client' | 'above';

/** Parties outside the zones of a claim that read it in the token of a service. */
export interface Outsiders {
  readonly service: ServicePlan;
  readonly parties: readonly Party[];
}

type ByClaim = Map<ServicePlan, Map<ClaimPlan, Set<string>>>;

export class ZoneRemedies {
  readonly #plan: Plan;
  /** Services that embed, or fetch, a token with the claim. */
  readonly #presenters: ByClaim = new Map();
  /** Services that take a token with the claim forwarded. */
  readonly #forwarded: ByClaim = new Map();
  /** By service: those whose tokens embed one of its. */
  readonly #embeddedBy = new Map<ServicePlan, Set<ServicePlan>>();
  /** Services that take a token of their callers. */
  readonly #takesForwarded = new Set<ServicePlan>();
  readonly #above = new Map<ServicePlan, ReadonlySet<ServicePlan>>();

  constructor(plan: Plan, { edges, bodies }: Readers) {
    this.#plan = plan;
    for (const { from, to, callee, branch } of edges) {
      if (branch.seal) continue; // who carries a sealed token does not read it
      const { service, claims } = bodies[to]!;
      if (branch.mode === 'embed')
        getOrAdd(this.#embeddedBy, service, () => new Set<ServicePlan>()).add(bodies[from]!.service);
      const isForward = branch.mode === 'forward';
      if (isForward) this.#takesForwarded.add(callee);
      for (const { claim } of claims) {
        if (!claim.zones) continue;
        const ofService = getOrAdd(
          isForward ? this.#forwarded : this.#presenters,
          service,
          () => new Map<ClaimPlan, Set<string>>(),
        );
        const names = getOrAdd(ofService, claim, () => new Set<string>());
        names.add(isForward ? callee.name : bodies[from]!.service.name);
      }
    }
  }

  #reasonOf(claim: ClaimPlan, service: ServicePlan, { name, kind }: Party): Reason {
    if (name === service.name) return 'audience';
    if (this.#forwarded.get(service)?.get(claim)?.has(name)) return 'forwarded';
    if (this.#presenters.get(service)?.get(claim)?.has(name)) return 'presenter';
    const client = kind === 'client' ? this.#plan.clients.get(name) : undefined;
    const gateway = client ?? this.#plan.services.get(name);
    if (gateway?.introspect.includes(service)) return 'gateway';
    const asks = client?.calls.some((call) => call.mode !== 'none' && call.service === service);
    return asks ? 'client' : 'above';
  }

  hint(claim: ClaimPlan, all: readonly Outsiders[]): string {
    const by = new Map<Reason, { parties: Set<Party>; services: Set<ServicePlan> }>();
    for (const { service, parties } of all) {
      for (const party of parties) {
        const reason = this.#reasonOf(claim, service, party);
        const found = getOrAdd(by, reason, () => ({ parties: new Set(), services: new Set() }));
        found.parties.add(party);
        found.services.add(service);
      }
    }
    const sentences = ORDER.flatMap((reason) => {
      const found = by.get(reason);
      return found ? this.#sentence(reason, claim, [...found.parties], [...found.services]) : [];
    });
    return `${sentences.join(' ')} ${withoutZone(claim, all)}`;
  }

  #sentence(
    reason: Reason,
    claim: ClaimPlan,
    parties: readonly Party[],
    services: readonly ServicePlan[],
  ): string[] {
    const tokens = partyNames(services.map(({ name }) => name));
    const names = partyNames(parties.map(({ name }) => name));
    const one = parties.length === 1;
    const [zone] = claim.zones ?? [];
    const move = zone === undefined ? [] : [`put ${one ? names : 'each of them'} into the zone ${zone}`];
    const say = (start: string, ways: readonly string[]) =>
      ways.length === 0 ? [`${start}.`] : [`${start}: ${ways.join(', or ')}.`];
    switch (reason) {
      case 'audience':
        return say(`${names} ${one ? 'reads its own token' : 'read their own tokens'}`, move);
      case 'presenter':
        return say(
          `${names} ${one ? 'fetches or carries' : 'fetch or carry'} the token of ${tokens} and ${one ? 'reads' : 'read'} its claims`,
          [...this.#sealing(services), ...move],
        );
      case 'forwarded':
        return say(`${names} ${one ? 'takes' : 'take'} the token forwarded`, [
          ...this.#embedding(claim, parties),
          ...move,
        ]);
      case 'gateway':
        return say(`${names} ${one ? 'introspects' : 'introspect'} the token`, [
          ...this.#withoutSwap(parties, services),
          ...move,
        ]);
      case 'client':
        return say(`${names} ${one ? 'receives' : 'receive'} the token`, [
          ...this.#sealing(services),
          ...this.#opaque(parties),
          ...move,
        ]);
      case 'above': {
        return say(`${names} ${one ? 'holds' : 'hold'} a token that embeds it`, [
          `call ${tokens} with \`mode: exchange\``,
          ...this.#sealing(services),
          ...this.#opaque(parties),
          ...move,
        ]);
      }
    }
  }

  /** Helps where the tokens are the services' own; a token that is forwarded to one of them would be sealed to another. */
  #sealing(services: readonly ServicePlan[]): string[] {
    if (services.some((service) => this.#takesForwarded.has(service))) return [];
    const names = partyNames(services.map(({ name }) => name));
    return [`seal the tokens of ${names} (\`seal: true\`, with an \`encryption\`)`];
  }

  /** Helps where no party names the claim itself: its own token would carry it as well. */
  #embedding({ name }: ClaimPlan, parties: readonly Party[]): string[] {
    const helps = parties.every((party) => {
      const service = this.#plan.services.get(party.name)!;
      return [service, ...service.scopes.values()].every(({ claims }) =>
        claims.every(({ claim }) => claim.name !== name),
      );
    });
    return helps ? ['embed that call'] : [];
  }

  /** Helps where no party gets the token in another way: embedded in another that it swaps, receives or presents. */
  #withoutSwap(parties: readonly Party[], services: readonly ServicePlan[]): string[] {
    const helps = parties.every(({ kind, name }) => {
      const client = kind === 'client' ? this.#plan.clients.get(name) : undefined;
      const service = client ? undefined : this.#plan.services.get(name);
      const swapped = (client ?? service)?.introspect.filter((each) => !services.includes(each)) ?? [];
      const received = client?.token === 'jwt' ? client.calls.filter(({ mode }) => mode !== 'none') : [];
      const held = new Set([service, ...swapped, ...received.map((call) => call.service)]);
      return services.every((each) => [each, ...this.#aboveOf(each)].every((one) => !held.has(one)));
    });
    const names = partyNames(services.map(({ name }) => name));
    return helps ? [`take ${names} out of \`introspect\``] : [];
  }

  /** The services whose tokens can embed one of a service, at any depth. */
  #aboveOf(service: ServicePlan): ReadonlySet<ServicePlan> {
    return getOrAdd(this.#above, service, () => {
      const above = new Set<ServicePlan>([service]);
      for (const each of above) for (const caller of this.#embeddedBy.get(each) ?? []) above.add(caller);
      above.delete(service);
      return above;
    });
  }

  /** Helps where every party is a client that reads as such, and not as a gateway. */
  #opaque(parties: readonly Party[]): string[] {
    const helps = parties.every(({ kind, name }) => {
      const client = kind === 'client' ? this.#plan.clients.get(name) : undefined;
      return client?.token === 'jwt' && client.introspect.length === 0;
    });
    return helps ? [`give ${parties.length === 1 ? 'it' : 'them'} opaque tokens (\`token: opaque\`)`] : [];
  }
}

const ORDER = [
  'audience',
  'presenter',
  'forwarded',
  'gateway',
  'client',
  'above',
] as const satisfies Reason[];

/** What helps against any reader: to let them read it, or to leave the claim out. */
function withoutZone({ name, zones }: ClaimPlan, all: readonly Outsiders[]): string {
  const theirs = new Set(all.flatMap(({ parties }) => parties.map(({ zone }) => zone)));
  const [first, ...others] = [...theirs].filter((zone) => zone === undefined || !zones?.has(zone));
  const services = partyNames(all.map(({ service }) => service.name));
  const widen =
    first !== undefined && others.length === 0
      ? `add the zone ${first} to \`zones\` of ${name}`
      : `take \`zones\` from ${name}`;
  return `Otherwise take ${name} out of the claims of ${services}, or ${widen}.`;
}
