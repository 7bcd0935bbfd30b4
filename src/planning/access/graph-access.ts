/**
 * Access analysis of a whole graph, service by service: of all trees that clients can get, and of those fetched with their
 * tokens. In: a plan. Out: names, for comparisons. Each different token is visited once.
 */
import { getOrAdd } from '../../get-or-add.ts';
import {
  embeddedOrFetched,
  sortByDeclaration,
  reachableTokens,
  type Branch,
  type Plan,
  type ServicePlan,
  type TokenBody,
  type Walk,
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

interface MutableAccess extends ServiceAccess {
  readonly readers: Map<string, Set<string>>;
  readonly callers: Set<string>;
  readonly spenders: Set<string>;
}

/** What a client gets by asking for all scopes of an entry together, which leads to all that one of them leads to. */
interface Entry extends Root {
  readonly client: string;
}

export class GraphAccess {
  readonly entries: readonly Entry[];
  /** Each different token; a token before those that it embeds. */
  readonly bodies: readonly TokenBody[];
  readonly #parties: Parties;
  readonly #walk: Walk;

  /** @param walk makes the tokens, and knows those that the caller has looked at. */
  constructor(plan: Plan, walk: Walk) {
    this.#parties = new Parties(plan);
    this.#walk = walk;
    this.entries = entriesOf(plan, walk, this.#parties);
    const tops = this.entries.map(({ body }) => body);
    const bodies = reachableTokens(tops, embeddedOrFetched(this.#fetched));
    this.bodies = [...bodies].sort((a, b) => b.depth - a.depth);
  }

  readonly #fetched = (branch: Branch): TokenBody | undefined => this.#walk.fetched(branch);

  /** The token that a call embeds or fetches. */
  target(branch: Branch): TokenBody | undefined {
    return branch.shape?.body ?? this.#fetched(branch);
  }

  /** By the name of the service; only services with tokens. @param services what to look at. */
  of(services: ReadonlySet<string>): ReadonlyMap<string, ServiceAccess> {
    const found = new Map<string, MutableAccess>();
    const accessFor: AccessFor = ({ name }) =>
      getOrAdd(found, name, () => ({ readers: new Map(), callers: new Set(), spenders: new Set() }));
    const bodies = this.#leadingTo(services);
    const roots = this.entries.filter(({ body }) => bodies.has(body));
    for (const { client, body } of roots) accessFor(body.service).callers.add(client);
    const readers = new Readers({ roots, bodies, columns: this.#parties, fetched: this.#fetched });
    for (const { from, callee } of readers.edges)
      accessFor(callee).callers.add(readers.bodies[from]!.service.name);
    for (const block of readers.blocks()) {
      collectReaders(readers, block, this.#parties, accessFor);
      collectPresenters(readers, block, this.#parties, accessFor);
    }
    // Of the others not all tokens were looked at.
    for (const name of found.keys()) if (!services.has(name)) found.delete(name);
    return found;
  }

  /** The tokens of these services, all that embed them, and all that lead to one of these by a call of another mode. */
  #leadingTo(services: ReadonlySet<string>): ReadonlySet<TokenBody> {
    const found = new Set<TokenBody>();
    for (const body of this.bodies.toReversed()) {
      const leads = body.branches.some(({ mode, callee, shape }) =>
        shape ? found.has(shape.body) : mode === 'forward' && services.has(callee),
      );
      if (leads || services.has(body.service.name)) found.add(body);
    }
    const audiences = new Set(Array.from(found, ({ service }) => service));
    const fetches = (branch: Branch): boolean => {
      if (branch.mode !== 'exchange' || !branch.service || !audiences.has(branch.service)) return false;
      const target = this.#fetched(branch);
      return target !== undefined && found.has(target);
    };
    return new Set(this.bodies.filter((body) => found.has(body) || body.branches.some(fetches)));
  }
}

type AccessFor = (service: ServicePlan) => MutableAccess;

function entriesOf(plan: Plan, walk: Walk, parties: Parties): Entry[] {
  return [...plan.clients.values()].flatMap((client) =>
    client.calls.flatMap((call): Entry[] => {
      const { mode, service, scopes } = call;
      if (mode === 'none' || !service) return [];
      const body = walk.body(service, sortByDeclaration(scopes));
      return [{ client: client.name, body, holders: parties.rootReaders(client, service, [call]) }];
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
