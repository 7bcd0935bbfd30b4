/** Who can hold a token: the clients and services of a plan, each with what its zone says of it. */
import type { ClaimPlan, ClientPlan, Plan, ServicePlan } from '../../graph/index.ts';

export interface Party {
  readonly name: string;
  readonly kind: 'client' | 'service';
  /** Absent: in no zone. */
  readonly zone: string | undefined;
  /**
   * Whether a token that it can spend is spent from where others rule: an external zone, or a client outside every zone.
   * In a graph that declares no zones nobody is outside.
   */
  readonly outside: boolean;
}

export function partyOf(plan: Plan, kind: Party['kind'], { name, zone }: ClientPlan | ServicePlan): Party {
  const external = zone !== undefined && (plan.zones.get(zone)?.external ?? false);
  const unzoned = kind === 'client' && zone === undefined && plan.zones.size > 0;
  return { name, kind, zone, outside: external || unzoned };
}

/** Whether a claim may be read there. */
export function mayRead(claim: ClaimPlan, { zone }: Party): boolean {
  return claim.zones === undefined || (zone !== undefined && claim.zones.has(zone));
}

/** As it is told: `web (client, in no zone)`, `insurer (zone partner)`. */
export function describeParty(plan: Plan, { name, kind, zone }: Party, withZone: boolean): string {
  const zoned = zone === undefined ? 'in no zone' : `zone ${zone}`;
  const where = withZone && plan.zones.size > 0 ? zoned : '';
  const notes = [kind === 'client' ? kind : '', where].filter((note) => note !== '');
  return notes.length === 0 ? name : `${name} (${notes.join(', ')})`;
}

/** The parties before which a service's root tokens are swapped: they get the root, and with it all that it embeds. */
export function gatewaysOf(plan: Plan): ReadonlyMap<ServicePlan, readonly Party[]> {
  const gateways = new Map<ServicePlan, Party[]>();
  const take = (party: Party, introspect: readonly ServicePlan[]): void => {
    for (const service of introspect) gateways.set(service, [...(gateways.get(service) ?? []), party]);
  };
  for (const client of plan.clients.values()) take(partyOf(plan, 'client', client), client.introspect);
  for (const service of plan.services.values()) take(partyOf(plan, 'service', service), service.introspect);
  return gateways;
}
