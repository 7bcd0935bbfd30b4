/**
 * The authority that requests can get from a graph. In: a plan. Out: the tokens that each client's requests can lead to,
 * also by exchange, and how long the tokens of each service can live.
 *
 * The token for a set of scopes has the union of the tokens for each scope, so the trees of single scopes determine those
 * of all requests (rule 2). A service that can authenticate may fetch a callee's token for fewer scopes than the graph
 * gives, so those are visited one by one, too.
 */
import {
  Walk,
  reachableTokens,
  type ClaimNeed,
  type ClientPlan,
  type Plan,
  type TokenBody,
} from '../../graph/index.ts';

/** A scope that a client may ask for, and its service. */
export interface Askable {
  readonly service: string;
  readonly scope: string;
  readonly body: TokenBody;
}

export class Authority {
  readonly plan: Plan;
  readonly #walk = new Walk();
  readonly #askable = new Map<string, readonly Askable[]>();
  readonly #reached = new Map<string, ReadonlyMap<string, TokenBody>>();
  /** Services that get a token, embedded, fetched or forwarded. */
  readonly services: ReadonlySet<string>;
  /** `service:scope` of all tokens. */
  readonly scopes: ReadonlySet<string>;
  readonly #above = new Map<string, number>();

  constructor(plan: Plan) {
    this.plan = plan;
    const services = new Set<string>();
    const scopes = new Set<string>();
    for (const client of plan.clients.values()) {
      this.#askable.set(client.name, this.#askableBy(client));
      this.#reached.set(client.name, this.#reachedBy(client));
      for (const { service, scopes: held, branches } of this.reachedBy(client.name).values()) {
        services.add(service.name);
        for (const { name } of held) scopes.add(`${service.name}:${name}`);
        for (const branch of branches) if (branch.mode === 'forward') services.add(branch.callee);
      }
    }
    this.services = services;
    this.scopes = scopes;
    this.#findLifetimes();
  }

  /** The scopes that the client may ask for; empty for an unknown client. */
  askableBy(client: string): readonly Askable[] {
    return this.#askable.get(client) ?? [];
  }

  /** The tokens that a client's requests can lead to, by service and scopes. */
  reachedBy(client: string): ReadonlyMap<string, TokenBody> {
    return this.#reached.get(client) ?? new Map<string, TokenBody>();
  }

  /** Seconds that a service's tokens could live if it set no lifetime; 0 if it gets none. */
  longestAbove(service: string): number {
    return this.#above.get(service) ?? 0;
  }

  /** The token for one scope of a service. */
  bodyOf(service: string, scope: string): TokenBody | undefined {
    const found = this.plan.services.get(service);
    const held = found?.scopes.get(scope);
    return found && held && this.#walk.body(found, [held]);
  }

  #askableBy({ calls }: ClientPlan): Askable[] {
    return calls.flatMap(({ mode, service, scopes }) =>
      mode === 'none' || !service
        ? []
        : scopes.map((scope) => ({
            service: service.name,
            scope: scope.name,
            body: this.#walk.body(service, [scope]),
          })),
    );
  }

  #reachedBy(client: ClientPlan): ReadonlyMap<string, TokenBody> {
    const asked = this.askableBy(client.name).map(({ body }) => body);
    const reached = reachableTokens(asked, (body) => this.#below(body));
    return new Map(Array.from(reached, (body) => [keyOf(body), body]));
  }

  *#below({ service: caller, branches }: TokenBody): Generator<TokenBody> {
    for (const { mode, service, scopes } of branches) {
      if (!service || (mode !== 'embed' && mode !== 'exchange')) continue;
      yield this.#walk.body(service, scopes);
      if (caller.auth) for (const scope of scopes) yield this.#walk.body(service, [scope]);
    }
  }

  /** The longest lifetime above each service: no token outlives the one above it. Cycles over exchanges end, since lifetimes only grow. */
  #findLifetimes(): void {
    const waiting: [TokenBody, number][] = [...this.plan.clients.keys()].flatMap((client) =>
      this.askableBy(client).map(({ body }): [TokenBody, number] => [body, this.plan.issuer.lifetime]),
    );
    const known = new Map<TokenBody, number>();
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const [body, above] = next;
      if ((known.get(body) ?? -1) >= above) continue;
      known.set(body, above);
      const { name, lifetime = Infinity } = body.service;
      this.#above.set(name, Math.max(above, this.longestAbove(name)));
      for (const below of this.#below(body)) waiting.push([below, Math.min(above, lifetime)]);
    }
  }
}

/** Equal for the same token in two graphs. */
export function keyOf({ service, scopes }: Pick<TokenBody, 'service' | 'scopes'>): string {
  return `${service.name}:${scopes
    .map(({ name }) => name)
    .sort()
    .join(' ')}`;
}

/** Whether a client's tokens can carry the claim at all. */
export function hasValue({ claim: { name, source } }: ClaimNeed, client: ClientPlan): boolean {
  if ('value' in source) return true;
  return source.from === 'client' ? client.claims.has(name) : client.subjects.length > 0;
}

/** A text that is equal for two tokens with the same claims and calls. */
export function factsOf({ claims, branches }: TokenBody, client: ClientPlan): string {
  const carried = claims
    .filter((need) => need.required || hasValue(need, client))
    .map(({ claim, required }) => `${claim.name}${required ? '!' : ''}`);
  const calls = branches
    .filter(({ mode }) => mode !== 'none')
    .map(
      ({ callee, mode, scopes }) =>
        `${callee} ${mode} ${scopes
          .map(({ name }) => name)
          .sort()
          .join(' ')}`,
    );
  return [...carried.sort(), '', ...calls.sort()].join('\n');
}
