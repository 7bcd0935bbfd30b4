/**
 * What both graphs declare alike, so that nothing needs to be compared that depends on it alone. In: the authority of two
 * graphs. Whoever asks names all that a result depends on; what is in doubt counts as changed.
 */
import {
  heldClaimsOf,
  keepsLineage,
  carriedClaimsOf,
  type ClaimPlan,
  type ClientPlan,
  type ServicePlan,
  type TokenBody,
} from '../../graph/index.ts';
import type { Authority } from './authority.ts';
import { samePlans, type SamePlans } from './same-plans.ts';

/** A request, as one of the graphs grants it. */
export interface Request {
  readonly client: ClientPlan;
  readonly service: ServicePlan;
  readonly body: TokenBody;
}

export interface Unchanged {
  /** Whether the service is declared alike in both graphs, with its scopes, claims and calls. */
  service(name: string): boolean;
  /** Whether the client is declared alike, apart from its calls. */
  client(name: string): boolean;
  /** Whether a client's calls of a service are alike. */
  entry(client: string, service: string): boolean;
  /** Whether what a request gets is the same to the last byte, and so is all that limits it. */
  request(before: Request, after: Request): boolean;
}

export function findUnchanged(older: Authority, newer: Authority): Unchanged {
  const alike = samePlans((scope) => older.nameOf(scope));
  const sameIn = <Part>(
    part: 'services' | 'clients',
    test: (was: Part, is: Part) => boolean,
  ): Set<string> => {
    const [before, after] = [older.plan[part], newer.plan[part]] as [Map<string, Part>, Map<string, Part>];
    const names = [...after].filter(([name, is]) => before.has(name) && test(before.get(name)!, is));
    return new Set(names.map(([name]) => name));
  };
  const services = sameIn('services', alike.service);
  const clients = sameIn('clients', alike.client);
  const entry = (client: string, service: string): boolean =>
    alike.calls(callsOf(older, client, service), callsOf(newer, client, service));
  const trees = new SameTrees(older, newer, services, alike);
  // Where any token keeps its lineage, bounds of others are rounded.
  const isSameIssuer =
    alike.issuer(older.plan.issuer, newer.plan.issuer) &&
    keepsLineage(older.plan) === keepsLineage(newer.plan);
  return {
    service: (name) => services.has(name),
    client: (name) => clients.has(name),
    entry,
    request: ({ body: before }, { client, service, body: after }) =>
      isSameIssuer &&
      clients.has(client.name) &&
      entry(client.name, service.name) &&
      trees.isSame(before, after),
  };
}

function callsOf({ plan }: Authority, client: string, service: string) {
  return (plan.clients.get(client)?.calls ?? []).filter(({ callee }) => callee === service);
}

class SameTrees {
  readonly #services: ReadonlySet<string>;
  readonly #alike: SamePlans;
  readonly #claimLists: readonly ((before: TokenBody, after: TokenBody) => boolean)[];
  /** By the newer token. Mostly it meets the same older one again. */
  readonly #known = new Map<TokenBody, { readonly before: TokenBody; readonly isSame: boolean }>();

  constructor(older: Authority, newer: Authority, services: ReadonlySet<string>, alike: SamePlans) {
    this.#services = services;
    this.#alike = alike;
    const carried = ({ claims }: TokenBody): ClaimPlan[] => claims.map(({ claim }) => claim);
    // What a token keeps for later depends on all that it leads to, also by exchange.
    const lists = [
      [carried, carried],
      [heldClaimsOf(older.plan), heldClaimsOf(newer.plan)],
      [carriedClaimsOf(older.plan), carriedClaimsOf(newer.plan)],
    ] as const;
    this.#claimLists = lists.map(
      ([was, is]) =>
        (before, after) =>
          alike.claims(was(before), is(after)),
    );
  }

  isSame(before: TokenBody, after: TokenBody): boolean {
    const known = this.#known.get(after);
    if (known?.before === before) return known.isSame;
    const isSame = this.#compare(before, after);
    this.#known.set(after, { before, isSame });
    return isSame;
  }

  #compare(before: TokenBody, after: TokenBody): boolean {
    return (
      before.service.name === after.service.name &&
      this.#services.has(after.service.name) &&
      this.#alike.scopes(before.scopes, after.scopes) &&
      this.#claimLists.every((isSame) => isSame(before, after)) &&
      before.branches.length === after.branches.length &&
      before.branches.every((was, at) => {
        const is = after.branches[at]!;
        if (was.callee !== is.callee || was.mode !== is.mode || was.seal !== is.seal) return false;
        if (!this.#alike.scopes(was.scopes, is.scopes)) return false;
        // Its audience stands in the token, and its limits count where it gets the token forwarded.
        if (is.service && !this.#services.has(is.callee)) return false;
        return was.shape && is.shape ? this.isSame(was.shape.body, is.shape.body) : was.shape === is.shape;
      })
    );
  }
}
