/**
 * The authority that requests can get from a graph. In: a plan. Out: the tokens that each client's requests can lead to,
 * also by exchange, and how long the tokens of each service can live.
 *
 * The token for a set of scopes has the union of the tokens for each scope, so the trees of single scopes determine those
 * of all requests (rule 2). A service that can authenticate may fetch a callee's token for fewer scopes than the graph
 * gives, so those are visited one by one, too.
 */
import { getOrAdd } from '../../get-or-add.ts';
import {
  Walk,
  lastDay,
  mayHaveValue,
  type ClaimNeed,
  type ClientPlan,
  type Plan,
  type ScopePlan,
  type ServicePlan,
  type TokenBody,
} from '../../graph/index.ts';

/** A scope that a client may ask for, and its service. */
export interface Askable {
  readonly service: string;
  readonly scope: string;
  readonly body: TokenBody;
}

/** A token that some client's requests lead to. Each stands here once, whatever number of clients leads to it. */
export interface ReachableToken {
  /** Equal for the same token in two graphs. */
  readonly key: string;
  readonly body: TokenBody;
  /** `service:scope` */
  readonly scopes: readonly string[];
  /** What it embeds, and what its service may fetch with it. */
  readonly below: readonly ReachableToken[];
  /** Its place among all. */
  readonly index: number;
}

/** The tokens that one client's requests lead to. */
export class Reach {
  readonly tokens: readonly ReachableToken[];
  readonly #has: Uint8Array;

  constructor(roots: readonly ReachableToken[], count: number) {
    this.#has = new Uint8Array(count);
    const tokens: ReachableToken[] = [];
    const waiting = [...roots];
    for (let token = waiting.pop(); token; token = waiting.pop()) {
      if (this.has(token)) continue;
      this.#has[token.index] = 1;
      tokens.push(token);
      for (const below of token.below) waiting.push(below);
    }
    this.tokens = tokens;
  }

  has({ index }: ReachableToken): boolean {
    return this.#has[index] === 1;
  }
}

const NOTHING = new Reach([], 0);

export class Authority {
  readonly plan: Plan;
  /** Makes its tokens, and knows them. */
  readonly walk = new Walk();
  /** By key: what any client's requests lead to, also by exchange. */
  readonly tokens: ReadonlyMap<string, ReachableToken>;
  /** Services that get a token, embedded, fetched or forwarded. */
  readonly services: ReadonlySet<string>;
  /** `service:scope` of all tokens. */
  readonly scopes: ReadonlySet<string>;
  /** Services that some token names as the presenter. */
  readonly presenters: ReadonlySet<string>;
  readonly #links = new Map<TokenBody, LinkedToken>();
  readonly #renamed: ReadonlyMap<ScopePlan, string>;
  readonly #byNewName = new Map<string, Set<ScopePlan>>();
  readonly #askable = new Map<string, readonly Askable[]>();
  readonly #reached = new Map<string, Reach>();
  readonly #above = new Map<string, number>();

  /** @param renamed what the other graph calls a scope, where that is not its name here. */
  constructor(plan: Plan, renamed: ReadonlyMap<ScopePlan, string> = new Map()) {
    this.plan = plan;
    this.#renamed = renamed;
    for (const [scope, name] of renamed)
      getOrAdd(this.#byNewName, name, () => new Set<ScopePlan>()).add(scope);
    for (const client of plan.clients.values()) this.#askable.set(client.name, this.#askableBy(client));
    const asked = [...this.#askable.values()].flat().map(({ body }) => body);
    const linked = this.#linkTokens(asked);
    this.tokens = new Map(linked.map((token) => [token.key, token]));
    const rootsOf = (client: string): ReachableToken[] =>
      this.askableBy(client).map(({ body }) => this.#links.get(body)!);
    for (const client of plan.clients.keys())
      this.#reached.set(client, new Reach(rootsOf(client), linked.length));
    const services = new Set<string>();
    const scopes = new Set<string>();
    const presenters = new Set<string>();
    for (const { body, scopes: held } of linked) {
      services.add(body.service.name);
      for (const scope of held) scopes.add(scope);
      for (const { mode, callee } of body.branches) if (mode === 'forward') services.add(callee);
      if (body.branches.some(({ mode }) => mode === 'embed' || mode === 'exchange'))
        presenters.add(body.service.name);
    }
    this.services = services;
    this.scopes = scopes;
    this.presenters = presenters;
    this.#findLifetimes([...plan.clients.keys()].flatMap(rootsOf));
  }

  /** The name of a scope, in the newer graph where it has another there. */
  nameOf(scope: ScopePlan): string {
    const renamed = this.#renamed.size > 0 ? this.#renamed.get(scope) : undefined;
    return renamed ?? scope.name;
  }

  namesOf(scopes: readonly ScopePlan[]): string[] {
    return scopes.map((scope) => this.nameOf(scope));
  }

  /** Equal for the same token in both graphs. */
  keyOf(body: TokenBody): string {
    return this.#links.get(body)?.key ?? keyFor(body.service, this.namesOf(body.scopes));
  }

  /** The scope with this name, as `nameOf` gives it. */
  scopeNamed(service: ServicePlan, name: string): ScopePlan | undefined {
    for (const scope of this.#byNewName.get(name) ?? [])
      if (service.scopes.get(scope.name) === scope) return scope;
    return service.scopes.get(name);
  }

  /** The scopes that the client may ask for; empty for an unknown client. */
  askableBy(client: string): readonly Askable[] {
    return this.#askable.get(client) ?? [];
  }

  /** The tokens that a client's requests can lead to; none for an unknown client. */
  reachedBy(client: string): Reach {
    return this.#reached.get(client) ?? NOTHING;
  }

  /** Seconds that a service's tokens could live if it set no lifetime; 0 if it gets none. */
  longestAbove(service: string): number {
    return this.#above.get(service) ?? 0;
  }

  /** The token for one scope of a service. */
  bodyOf(service: string, scope: string): TokenBody | undefined {
    const found = this.plan.services.get(service);
    const held = found && this.scopeNamed(found, scope);
    return held && this.walk.body(found, [held]);
  }

  #askableBy({ calls }: ClientPlan): Askable[] {
    return calls.flatMap(({ mode, service, scopes }) =>
      mode === 'none' || !service
        ? []
        : scopes.map((scope) => ({
            service: service.name,
            scope: this.nameOf(scope),
            body: this.walk.body(service, [scope]),
          })),
    );
  }

  #below({ service: caller, branches }: TokenBody): TokenBody[] {
    const below: TokenBody[] = [];
    for (const { mode, service, scopes } of branches) {
      if (!service || (mode !== 'embed' && mode !== 'exchange')) continue;
      below.push(this.walk.body(service, scopes));
      if (caller.auth && scopes.length > 1)
        for (const scope of scopes) below.push(this.walk.body(service, [scope]));
    }
    return below;
  }

  /** In the order of a search, depth first; of the tokens below one, the last comes first. */
  #linkTokens(asked: readonly TokenBody[]): readonly ReachableToken[] {
    const linked: ReachableToken[] = [];
    const linkTo = (body: TokenBody): LinkedToken => getOrAdd(this.#links, body, () => this.#newLink(body));
    const waiting = asked.map(linkTo);
    for (let token = waiting.pop(); token; token = waiting.pop()) {
      if (token.index !== UNVISITED) continue;
      token.index = linked.length;
      linked.push(token);
      const below = this.#below(token.body).map(linkTo);
      token.below = below;
      for (const each of below) waiting.push(each);
    }
    return linked;
  }

  #newLink(body: TokenBody): LinkedToken {
    const names = this.namesOf(body.scopes);
    const scopes = names.map((name) => `${body.service.name}:${name}`);
    const key = scopes.length === 1 ? scopes[0]! : keyFor(body.service, names);
    return { key, body, scopes, below: [], index: UNVISITED };
  }

  /** A text that is equal for two tokens with the same claims and calls. */
  factsOf({ claims, branches }: TokenBody, client: ClientPlan): string {
    const carried = claims
      .filter((need) => need.required || hasValue(need, client))
      .map(({ claim, required }) => `${claim.name}${required ? '!' : ''}`);
    const calls = branches
      .filter(({ mode }) => mode !== 'none')
      .map(({ callee, mode, seal, scopes, calls }) => {
        const asked = scopes.map((scope) => [this.nameOf(scope), lastDay(calls, scope) ?? ''].join(' '));
        return `${callee} ${mode}${seal ? ' sealed' : ''} ${asked.sort().join(' ')}`;
      });
    return [...carried.sort(), '', ...calls.sort()].join('\n');
  }

  /** The longest lifetime above each service: no token outlives the one above it. Cycles over exchanges end, since lifetimes only grow. */
  #findLifetimes(roots: readonly ReachableToken[]): void {
    const known = new Float64Array(this.tokens.size).fill(-1);
    const waiting = roots.map((token): [ReachableToken, number] => [token, this.plan.issuer.lifetime]);
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const [token, above] = next;
      if (known[token.index]! >= above) continue;
      known[token.index] = above;
      const { name } = token.body.service;
      this.#above.set(name, Math.max(above, this.longestAbove(name)));
      const life = Math.min(above, token.body.lifetime);
      for (const below of token.below) if (known[below.index]! < life) waiting.push([below, life]);
    }
  }
}

const UNVISITED = -1;

interface LinkedToken extends ReachableToken {
  below: readonly ReachableToken[];
  index: number;
}

function keyFor({ name }: ServicePlan, scopes: readonly string[]): string {
  return `${name}:${[...scopes].sort().join(' ')}`;
}

/** Whether a client's tokens can carry the claim at all. */
export function hasValue({ claim }: ClaimNeed, client: ClientPlan): boolean {
  return mayHaveValue(claim, client);
}
