/** The clients and services of a plan that can hold tokens, each with its zone. */
import { getOrAdd } from '../../get-or-add.ts';
import {
  isSealedBy,
  type CallPlan,
  type ClaimPlan,
  type ClientPlan,
  type Plan,
  type ServicePlan,
} from '../../graph/index.ts';

export interface Party {
  readonly name: string;
  readonly kind: 'client' | 'service';
  /** Absent: in no zone. */
  readonly zone: string | undefined;
  /**
   * Whether others control it: it is in an external zone, or a client in no zone. In a graph without zones no party is
   * outside.
   */
  readonly outside: boolean;
}

export function partyOf(plan: Plan, kind: Party['kind'], { name, zone }: ClientPlan | ServicePlan): Party {
  const external = zone !== undefined && (plan.zones.get(zone)?.external ?? false);
  const unzoned = kind === 'client' && zone === undefined && plan.zones.size > 0;
  return { name, kind, zone, outside: external || unzoned };
}

/** Whether the party may read the claim. */
export function mayRead(claim: ClaimPlan, { zone }: Party): boolean {
  return claim.zones === undefined || (zone !== undefined && claim.zones.has(zone));
}

/** For messages: `web (client, in no zone)`, `insurer (zone partner)`. */
export function describeParty(plan: Plan, { name, kind, zone }: Party, withZone: boolean): string {
  const zoned = zone === undefined ? 'in no zone' : `zone ${zone}`;
  const where = withZone && plan.zones.size > 0 ? zoned : '';
  const notes = [kind === 'client' ? kind : '', where].filter((note) => note !== '');
  return notes.length === 0 ? name : `${name} (${notes.join(', ')})`;
}

/** The gateways of each service: they introspect its root tokens and get the root with all that it embeds. */
export function gatewaysOf(plan: Plan): ReadonlyMap<ServicePlan, readonly Party[]> {
  const gateways = new Map<ServicePlan, Party[]>();
  const take = (party: Party, introspect: readonly ServicePlan[]): void => {
    for (const service of introspect) getOrAdd(gateways, service, () => []).push(party);
  };
  for (const client of plan.clients.values()) take(partyOf(plan, 'client', client), client.introspect);
  for (const service of plan.services.values()) take(partyOf(plan, 'service', service), service.introspect);
  return gateways;
}

/** All parties of a plan by column: the clients, then the services. */
export class Parties {
  readonly list: readonly Party[];
  readonly count: number;
  readonly #columns = new Map<string, number>();
  readonly #gateways: ReadonlyMap<ServicePlan, readonly Party[]>;

  constructor(plan: Plan) {
    this.list = [
      ...[...plan.clients.values()].map((client) => partyOf(plan, 'client', client)),
      ...[...plan.services.values()].map((service) => partyOf(plan, 'service', service)),
    ];
    this.count = this.list.length;
    for (const [column, { name }] of this.list.entries()) this.#columns.set(name, column);
    this.#gateways = gatewaysOf(plan);
  }

  /** Clients and services share one namespace. */
  columnOf = ({ name }: { readonly name: string }): number => this.#columns.get(name)!;

  where(test: (party: Party) => boolean): number[] {
    return this.list.flatMap((party, column) => (test(party) ? [column] : []));
  }

  /**
   * Columns of those who can read a client's root token beside its entry: itself, and gateways.
   *
   * @param calls the client's calls that lead to it: where they are sealed, only the entry reads it.
   */
  rootReaders(client: ClientPlan, entry: ServicePlan, calls: readonly CallPlan[]): number[] {
    if (isSealedBy(calls)) return [];
    const gateways = this.#gateways.get(entry) ?? [];
    return [...(client.token === 'jwt' ? [client] : []), ...gateways].map(this.columnOf);
  }
}
