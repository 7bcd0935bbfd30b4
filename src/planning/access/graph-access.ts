/**
 * Who holds what over a whole graph, service by service: all that clients may ask for, and what is fetched under it. In:
 * a plan. Out: names, for comparisons. The tokens of all trees are looked at in one go, each different one once.
 */
import {
  Walk,
  embeddedOrFetched,
  inOrder,
  reachableTokens,
  type Branch,
  type Plan,
  type ServicePlan,
  type TokenBody,
} from '../../graph/index.ts';
import { Parties } from './check.ts';
import { gatewaysOf } from './parties.ts';
import { Readers, audiencesOf, type Block, type Root } from './readers.ts';

/** Of the tokens for one service. */
export interface ServiceAccess {
  /** By claim: who reads it there. */
  readonly readers: ReadonlyMap<string, ReadonlySet<string>>;
  /** Who presents them, as the graph says. */
  readonly callers: ReadonlySet<string>;
  /** Who else holds one that the service would take. */
  readonly spenders: ReadonlySet<string>;
}

/** By the service's name; only services that some token is for. */
export function analyzeGraphAccess(plan: Plan): ReadonlyMap<string, ServiceAccess> {
  const walk = new Walk();
  const parties = new Parties(plan);
  const held = new Map<string, Held>();
  const heldFor = ({ name }: ServicePlan): Held => {
    const known = held.get(name) ?? { readers: new Map(), callers: new Set(), spenders: new Set() };
    held.set(name, known);
    return known;
  };
  const roots = rootsOf(plan, walk, parties, heldFor);
  const fetched = (branch: Branch): TokenBody | undefined => walk.fetched(branch);
  const bodies = reachableTokens(
    roots.map(({ body }) => body),
    embeddedOrFetched(fetched),
  );
  const readers = new Readers({ roots, bodies, columns: parties, fetched });
  for (const { from, callee } of readers.edges)
    heldFor(callee).callers.add(readers.bodies[from]!.service.name);
  for (const block of readers.blocks()) {
    takeReaders(readers, block, parties, heldFor);
    takeSpenders(readers, block, parties, heldFor);
  }
  return held;
}

interface Held extends ServiceAccess {
  readonly readers: Map<string, Set<string>>;
  readonly callers: Set<string>;
  readonly spenders: Set<string>;
}

type HeldFor = (service: ServicePlan) => Held;

/** All that a client may ask of an entry together leads to all that it may ask of it alone. */
function rootsOf(plan: Plan, walk: Walk, parties: Parties, heldFor: HeldFor): Root[] {
  const gateways = gatewaysOf(plan);
  return [...plan.clients.values()].flatMap((client) =>
    client.calls.flatMap(({ mode, service, scopes }): Root[] => {
      if (mode === 'none' || !service) return [];
      heldFor(service).callers.add(client.name);
      const own = client.token === 'jwt' ? [parties.columnOf(client)] : [];
      const edge = (gateways.get(service) ?? []).map(parties.columnOf);
      return [{ body: walk.body(service, inOrder(scopes)), holders: [...own, ...edge] }];
    }),
  );
}

function takeReaders(readers: Readers, block: Block, parties: Parties, heldFor: HeldFor): void {
  for (const [row, { service, claims }] of readers.bodies.entries()) {
    if (claims.length === 0) continue;
    const set = block.set();
    block.collect(row, set);
    const names = block.columnsOf(set).map((column) => parties.list[column]!.name);
    const byClaim = heldFor(service).readers;
    for (const { claim } of claims) {
      const known = byClaim.get(claim.name) ?? new Set<string>();
      byClaim.set(claim.name, known);
      for (const name of names) known.add(name);
    }
  }
}

/** Whoever can read a token can take out what it embeds, and present it where nobody looks who does. */
function takeSpenders(readers: Readers, block: Block, parties: Parties, heldFor: HeldFor): void {
  for (const { from, to, branch } of readers.edges) {
    if (branch.mode !== 'embed') continue;
    for (const service of audiencesOf(readers.bodies[to]!)) {
      if (service.caller !== 'none') continue;
      const { callers, spenders } = heldFor(service);
      const set = block.set();
      block.collect(from, set, [parties.columnOf(service)]);
      for (const column of block.columnsOf(set)) {
        const { name } = parties.list[column]!;
        if (!callers.has(name)) spenders.add(name);
      }
    }
  }
}
