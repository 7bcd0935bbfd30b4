/**
 * Access analysis of a whole graph, service by service: of all trees that clients can get, and of those fetched with their
 * tokens. In: a plan. Out: names, for comparisons. Each different token is visited once.
 */
import { getOrAdd } from '../../get-or-add.ts';
import {
  Walk,
  embeddedOrFetched,
  sortByDeclaration,
  reachableTokens,
  type Branch,
  type Plan,
  type ServicePlan,
  type TokenBody,
} from '../../graph/index.ts';
import { Parties } from './parties.ts';
import { Readers, audiencesOf, type Block, type Root } from './readers.ts';

/** Who can access the tokens for one service. */
export interface ServiceAccess {
  /** By claim: the parties that can read it in these tokens. */
  readonly readers: ReadonlyMap<string, ReadonlySet<string>>;
  /** The parties that present them by the graph. */
  readonly callers: ReadonlySet<string>;
  /** Other parties that could present one. */
  readonly spenders: ReadonlySet<string>;
}

/**
 * By the name of the service; only services with tokens.
 *
 * @param walk knows tokens of this plan already, where the caller has looked at them.
 */
export function analyzeGraphAccess(plan: Plan, walk = new Walk()): ReadonlyMap<string, ServiceAccess> {
  const parties = new Parties(plan);
  const found = new Map<string, MutableAccess>();
  const accessFor: AccessFor = ({ name }) =>
    getOrAdd(found, name, () => ({ readers: new Map(), callers: new Set(), spenders: new Set() }));
  const roots = rootsOf(plan, walk, parties, accessFor);
  const fetched = (branch: Branch): TokenBody | undefined => walk.fetched(branch);
  const tops = roots.map(({ body }) => body);
  const bodies = reachableTokens(tops, embeddedOrFetched(fetched));
  const readers = new Readers({ roots, bodies, columns: parties, fetched });
  for (const { from, callee } of readers.edges)
    accessFor(callee).callers.add(readers.bodies[from]!.service.name);
  for (const block of readers.blocks()) {
    collectReaders(readers, block, parties, accessFor);
    collectPresenters(readers, block, parties, accessFor);
  }
  return found;
}

interface MutableAccess extends ServiceAccess {
  readonly readers: Map<string, Set<string>>;
  readonly callers: Set<string>;
  readonly spenders: Set<string>;
}

type AccessFor = (service: ServicePlan) => MutableAccess;

/** All scopes of an entry together lead to every token that one of them leads to. */
function rootsOf(plan: Plan, walk: Walk, parties: Parties, accessFor: AccessFor): Root[] {
  return [...plan.clients.values()].flatMap((client) =>
    client.calls.flatMap(({ mode, service, scopes }): Root[] => {
      if (mode === 'none' || !service) return [];
      accessFor(service).callers.add(client.name);
      const body = walk.body(service, sortByDeclaration(scopes));
      return [{ body, holders: parties.rootReaders(client, service) }];
    }),
  );
}

function collectReaders(readers: Readers, block: Block, parties: Parties, accessFor: AccessFor): void {
  for (const [row, { service, claims }] of readers.bodies.entries()) {
    if (claims.length === 0) continue;
    const set = block.set();
    block.collect(row, set);
    const names = block.columnsOf(set).map((column) => parties.list[column]!.name);
    const byClaim = accessFor(service).readers;
    for (const { claim } of claims) {
      const known = getOrAdd(byClaim, claim.name, () => new Set<string>());
      for (const name of names) known.add(name);
    }
  }
}

/** A party that can read a token can present the tokens in it to services that do not check their callers. */
function collectPresenters(readers: Readers, block: Block, parties: Parties, accessFor: AccessFor): void {
  for (const { from, to, branch } of readers.edges) {
    if (branch.mode !== 'embed') continue;
    for (const service of audiencesOf(readers.bodies[to]!)) {
      if (service.caller !== 'none') continue;
      const { callers, spenders } = accessFor(service);
      const set = block.set();
      block.collect(from, set, [parties.columnOf(service)]);
      for (const column of block.columnsOf(set)) {
        const { name } = parties.list[column]!;
        if (!callers.has(name)) spenders.add(name);
      }
    }
  }
}
