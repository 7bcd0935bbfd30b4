/**
 * The chain of actors of a token: who presents it, and below, who acted before (RFC 8693 section 4.1). It depends on the
 * way to the token, so shapes share all else and the chain is put together on the way.
 */
import { getOrAdd } from '../../get-or-add.ts';
import { MAX_ACTORS, type Actor, type Lineage } from '../../protocol.ts';
import type { CallPlan, Plan, ServicePlan } from './plan.ts';
import type { TokenShape } from './walk.ts';

/**
 * The `act` of a token.
 *
 * @param above the chain of the token above it; that of a root is its client.
 * @param lineageOf what the tokens of a service name. Default: as the graph says.
 * @returns nothing for a root: it has no presenter but its client.
 */
export function actOf(
  { actor, service }: Pick<TokenShape, 'actor' | 'service'>,
  above: Actor,
  lineageOf = lineageAsDeclared,
): Actor | undefined {
  if (actor === undefined) return undefined;
  return lineageOf(service) === 'full' ? { ...actor, act: above } : actor;
}

function lineageAsDeclared({ lineage }: ServicePlan): Lineage {
  return lineage;
}

/** Whether the chain of any token is longer than its presenter. */
export function keepsLineage(plan: Plan): boolean {
  return getOrAdd(known, plan, () => [...plan.services.values()].some(({ lineage }) => lineage === 'full'));
}

/** Whoever plans many requests asks for each. */
const known = new WeakMap<Plan, boolean>();

/** The most actors that a token of this graph has. */
export function mostActors({ issuer }: Plan): number {
  return Math.min(issuer.limits.depth, MAX_ACTORS);
}

/** A chain, and its bytes as JSON. */
interface Chain {
  readonly actor: Actor;
  readonly bytes: number;
}

/**
 * The longest chain that a token of each service can have, in bytes as JSON, whatever the way to it: for worst cases. Calls
 * count whatever scopes they belong to, so a chain may be longer than any that a request brings about, never shorter.
 *
 * @returns what stands above the tokens that a service presents, by its `actor`; none for what no request reaches, and none
 *   at all where no token keeps its lineage: then nothing shows what stands above.
 */
export function longestChains(plan: Plan): ReadonlyMap<Actor, Actor> {
  if (!keepsLineage(plan)) return new Map();
  const calls = Array.from(plan.services.values(), (caller) => ({ caller, callees: calleesOf(caller) }));
  let last = new Map<ServicePlan, Chain>();
  for (const client of plan.clients.values())
    for (const callee of servicesOf(client.calls)) keepLonger(last, callee, chainOf({ sub: client.name }));
  for (const { caller, callees } of calls)
    for (const callee of callees)
      if (callee.lineage === 'caller') keepLonger(last, callee, chainOf(caller.actor));
  const longest = new Map(last);
  for (let actors = 2; actors <= mostActors(plan); actors += 1) {
    const next = new Map<ServicePlan, Chain>();
    for (const { caller, callees } of calls) {
      const above = last.get(caller);
      if (!above) continue;
      const chain = chainOf(caller.actor, above);
      for (const callee of callees) if (callee.lineage === 'full') keepLonger(next, callee, chain);
    }
    for (const [service, chain] of next) keepLonger(longest, service, chain);
    last = next;
  }
  return new Map(Array.from(longest, ([service, { actor }]) => [service.actor, actor]));
}

function chainOf(actor: Actor, above?: Chain): Chain {
  const bytes = Buffer.byteLength(JSON.stringify(actor));
  if (!above) return { actor, bytes };
  return { actor: { ...actor, act: above.actor }, bytes: bytes + ',"act":'.length + above.bytes };
}

function keepLonger(chains: Map<ServicePlan, Chain>, service: ServicePlan, chain: Chain): void {
  if ((chains.get(service)?.bytes ?? 0) < chain.bytes) chains.set(service, chain);
}

/** Callees that get tokens of their own. */
function calleesOf({ calls, scopes }: ServicePlan): Set<ServicePlan> {
  return servicesOf([...calls, ...Array.from(scopes.values(), (scope) => scope.calls).flat()]);
}

function servicesOf(calls: readonly CallPlan[]): Set<ServicePlan> {
  const asked = calls.filter(({ mode }) => mode === 'embed' || mode === 'exchange');
  return new Set(asked.flatMap(({ service }) => service ?? []));
}
