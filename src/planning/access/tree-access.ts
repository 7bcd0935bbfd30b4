/**
 * Access analysis of one tree (rule 8): who can read each token, who could present it, and why; and who can read each
 * claim. Trees that are fetched with its tokens are included. In: the root of a request. Out: plain data, each list in
 * the order of the tree.
 */
import { getOrAdd } from '../../get-or-add.ts';
import {
  embeddedOrFetched,
  isSealedBy,
  reachableTokens,
  type Branch,
  type CallPlan,
  type ClaimPlan,
  type ClientPlan,
  type Plan,
  type ServicePlan,
  type TokenBody,
} from '../../graph/index.ts';
import { gatewaysOf, mayRead, partyOf, type Party } from './parties.ts';
import { Readers, audiencesOf, type Block, type Edge } from './readers.ts';

/**
 * Why a party can read or present a token: it is in its audience; it presents it; it reads a token that embeds it; it
 * introspects the root; it is the client and gets the root.
 */
export type AccessReason = 'audience' | 'presenter' | 'above' | 'introspects' | 'client';

export interface PartyAccess {
  /** A client or a service by name. */
  readonly party: string;
  readonly why: readonly AccessReason[];
}

export interface PresenterAccess extends PartyAccess {
  /** Whether it presents the token by the graph. */
  readonly own: boolean;
}

/** What one presenter sends to one service, however often it is in the tree. */
export interface TokenAccess {
  readonly service: string;
  readonly scope: readonly string[];
  /** The service that presents it; null for the root, which the client or a gateway presents. */
  readonly presenter: string | null;
  /** How its presenter gets it; `forward`: it is the presenter's own. */
  readonly mode: Exclude<CallPlan['mode'], 'none'>;
  /** It is encrypted to the service. */
  readonly sealed?: true;
  /** How the service checks its caller. */
  readonly caller: ServicePlan['caller'];
  /** The names of its claims. */
  readonly claims: readonly string[];
  readonly readers: readonly PartyAccess[];
  readonly spenders: readonly PresenterAccess[];
}

export interface ClaimReaders {
  readonly claim: string;
  /** The zones that may read it; null: all. */
  readonly zones: readonly string[] | null;
  readonly readers: readonly {
    readonly party: string;
    /** The services in whose tokens it reads the claim. */
    readonly in: readonly string[];
    /** Whether the party is in a zone of the claim. */
    readonly allowed: boolean;
  }[];
}

export interface PartyView {
  readonly name: string;
  readonly kind: Party['kind'];
  readonly zone: string | null;
  /** In an external zone, or a client in no zone. */
  readonly outside: boolean;
}

export interface TreeAccess {
  /** The client, gateways and services that hold tokens of the tree. */
  readonly parties: readonly PartyView[];
  readonly tokens: readonly TokenAccess[];
  readonly claims: readonly ClaimReaders[];
}

/** @param fetched the token that a call on demand fetches. */
export function analyzeTreeAccess(
  plan: Plan,
  client: ClientPlan,
  root: TokenBody,
  fetched: (branch: Branch) => TokenBody | undefined,
): TreeAccess {
  const below = embeddedOrFetched(fetched);
  const bodies = new Set(reachableTokens([root], (token) => below(token).toReversed()));
  const columns = new RoleColumns(plan, client, root, bodies);
  const holders = columns.rootReaders;
  const readers = new Readers({ roots: [{ body: root, holders }], bodies, columns, fetched });
  const lines = [...presentedTokens(bodies, readers)];
  for (const block of readers.blocks()) for (const line of lines) line.collect(block, readers, columns);
  const tokens = lines.map((line) => line.view(columns));
  return { parties: columns.parties, tokens, claims: claimReaders(lines, tokens, columns) };
}

interface Role {
  readonly party: Party;
  readonly role: 'introspects' | 'client' | undefined;
}

/** Columns by role: a gateway that is also a service of the tree has two. */
class RoleColumns {
  readonly #roles: Role[] = [];
  readonly #services = new Map<ServicePlan, number>();
  readonly client: ClientPlan;
  readonly isRootSealed: boolean;
  readonly rootReaders: readonly number[];
  /** Of a sealed root, which they cannot read, those who present it beside the client. */
  readonly rootCarriers: readonly number[];
  readonly parties: readonly PartyView[];
  readonly byName = new Map<string, Party>();

  constructor(plan: Plan, client: ClientPlan, root: TokenBody, bodies: Iterable<TokenBody>) {
    this.client = client;
    const add = (party: Party, role?: Role['role']): number => {
      if (!this.byName.has(party.name)) this.byName.set(party.name, party);
      return this.#roles.push({ party, role }) - 1;
    };
    const own = add(partyOf(plan, 'client', client), 'client');
    const gateways = (gatewaysOf(plan).get(root.service) ?? []).map((party) => add(party, 'introspects'));
    this.isRootSealed = isSealedBy(client.calls.filter(({ service }) => service === root.service));
    const isSealed = this.isRootSealed;
    this.rootReaders = isSealed ? [] : client.token === 'jwt' ? [own, ...gateways] : gateways;
    this.rootCarriers = isSealed ? gateways : this.rootReaders;
    for (const body of bodies) {
      for (const service of audiencesOf(body))
        getOrAdd(this.#services, service, () => add(partyOf(plan, 'service', service)));
    }
    this.parties = Array.from(this.byName.values(), (party) => ({ ...party, zone: party.zone ?? null }));
  }

  get count(): number {
    return this.#roles.length;
  }

  columnOf = (service: ServicePlan): number => this.#services.get(service)!;

  at(column: number): Role {
    return this.#roles[column]!;
  }
}

/** The root, then the tokens that each service presents to each callee, in the order of the tree. */
function presentedTokens(bodies: ReadonlySet<TokenBody>, readers: Readers): Iterable<PresentedToken> {
  const positions = new Map([...bodies].map((body, place) => [body, place]));
  const positionOf = ({ from }: Edge): number => positions.get(readers.bodies[from]!)!;
  const [root] = bodies;
  const lines = new Map<string, PresentedToken>(root ? [['', new PresentedToken(root)]] : []);
  for (const edge of readers.edges.toSorted((a, b) => positionOf(a) - positionOf(b))) {
    const { callee, scopes, mode } = edge.branch;
    const presenter = readers.bodies[edge.from]!.service;
    const key = [presenter.name, callee, mode, ...scopes.map((scope) => scope.name)].join(' ');
    const line = getOrAdd(lines, key, () => new PresentedToken(readers.bodies[edge.to]!, edge, presenter));
    line.edges.push(edge);
  }
  return lines.values();
}

/** A token as one presenter sends it: the columns of its readers, and of the parties that hold it. */
class PresentedToken {
  readonly edges: Edge[] = [];
  readonly body: TokenBody;
  readonly #first: Edge | undefined;
  readonly #presenter: ServicePlan | undefined;
  readonly #readers = new Set<number>();
  readonly #carriers = new Set<number>();

  constructor(body: TokenBody, first?: Edge, presenter?: ServicePlan) {
    this.body = body;
    this.#first = first;
    this.#presenter = presenter;
  }

  get isForwarded(): boolean {
    return this.#first?.branch.mode === 'forward';
  }

  collect(block: Block, readers: Readers, columns: RoleColumns): void {
    const above = block.set();
    const sealed = block.set();
    for (const { from, branch } of this.edges) {
      const presenter = columns.columnOf(readers.bodies[from]!.service);
      if (branch.mode === 'exchange') block.mark(branch.seal ? sealed : above, presenter);
      else block.collect(from, branch.seal ? sealed : above);
    }
    if (this.edges.length === 0) {
      for (const column of columns.rootReaders) block.mark(above, column);
      for (const column of columns.rootCarriers) block.mark(sealed, column);
    }
    for (const column of block.columnsOf(above)) {
      this.#readers.add(column);
      this.#carriers.add(column);
    }
    for (const column of block.columnsOf(sealed)) this.#carriers.add(column);
  }

  view(columns: RoleColumns): TokenAccess {
    const { service, scopes, mode } = this.#first?.branch ?? { ...this.body, mode: 'embed' as const };
    const target = service ?? this.body.service;
    for (const audience of audiencesOf(this.body)) this.#readers.add(columns.columnOf(audience));
    return {
      service: target.name,
      scope: scopes.map((scope) => scope.name),
      presenter: this.#presenter?.name ?? null,
      mode: mode === 'none' ? 'embed' : mode,
      ...((this.#first?.branch.seal ?? columns.isRootSealed) ? { sealed: true } : {}),
      caller: target.caller,
      claims: this.body.claims.map(({ claim }) => claim.name),
      readers: this.#viewsOf(this.#readers, target, columns),
      spenders: this.#presenters(target, columns),
    };
  }

  #presenters(target: ServicePlan, columns: RoleColumns): PresenterAccess[] {
    const { client } = columns;
    const holders = this.#viewsOf(this.#carriers, target, columns).filter(
      ({ party }) => party !== target.name,
    );
    // The client presents the root, or a reference to it; gateways present it after introspection.
    if (!this.#presenter) {
      const others = holders.filter(({ party }) => party !== client.name);
      const first: PartyAccess = { party: client.name, why: ['client'] };
      return [first, ...others].map((holder) => ({ ...holder, own: true }));
    }
    return holders
      .map((holder): PresenterAccess => ({ ...holder, own: holder.party === this.#presenter?.name }))
      .filter(({ own }) => own || target.caller === 'none');
  }

  #viewsOf(held: ReadonlySet<number>, target: ServicePlan, columns: RoleColumns): PartyAccess[] {
    const whys = new Map<string, AccessReason[]>();
    const audiences = new Set([target, ...audiencesOf(this.body)].map(({ name }) => name));
    for (const column of [...held].sort((a, b) => a - b)) {
      const { party, role } = columns.at(column);
      const why: AccessReason =
        role ??
        (party.name === this.#presenter?.name
          ? 'presenter'
          : audiences.has(party.name)
            ? 'audience'
            : 'above');
      getOrAdd(whys, party.name, () => []).push(why);
    }
    return [...whys].map(([party, why]) => ({ party, why }));
  }
}

function claimReaders(
  lines: readonly PresentedToken[],
  tokens: readonly TokenAccess[],
  columns: RoleColumns,
): ClaimReaders[] {
  const found = new Map<ClaimPlan, Map<string, Set<string>>>();
  for (const [at, { body, isForwarded }] of lines.entries()) {
    if (isForwarded) continue; // the token has an entry of its own already
    for (const { claim } of body.claims) {
      const readers = getOrAdd(found, claim, () => new Map<string, Set<string>>());
      for (const { party } of tokens[at]!.readers)
        readers.set(party, (readers.get(party) ?? new Set()).add(body.service.name));
    }
  }
  return [...found]
    .sort(([a], [b]) => a.index - b.index)
    .map(([claim, readers]) => ({
      claim: claim.name,
      zones: claim.zones ? [...claim.zones] : null,
      readers: columns.parties.flatMap(({ name }) => {
        const services = readers.get(name);
        if (!services) return [];
        return [{ party: name, in: [...services], allowed: mayRead(claim, columns.byName.get(name)!) }];
      }),
    }));
}
