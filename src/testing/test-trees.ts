/** Trees of an issuer, and the tokens that services on the way would take out of them. */
import type { Clock } from '../clock.ts';
import { getOrAdd } from '../get-or-add.ts';
import { isWaybillError, usageError } from '../errors.ts';
import { audienceOf, type ClientPlan, type ServicePlan, type TreeRequest } from '../graph/index.ts';
import { bySetter, type IssuedTree, type Issuer, type Party } from '../issuer/index.ts';
import { extractor, type Extractor } from '../middleware/index.ts';
import type { TestProviders } from './test-provider.ts';
import type { TestSealKeys } from './test-seal-keys.ts';
import { findRoute, type RouteCall } from './token-route.ts';

/** For whom a tree is, and what is said of the request for it. */
export interface UserOptions {
  /** The user, as an identity provider of the graph names it. Default: the client asks for itself, where it may. */
  readonly sub?: string | undefined;
  /** What the identity provider says of the user: values by the claim's name in the graph. Default: nothing. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  /**
   * What is said of the request: values of the claims that the graph takes `from: request`, by name. What gateways set is
   * added when the token of an opaque client is swapped. Default: nothing.
   */
  readonly request?: Readonly<Record<string, unknown>> | undefined;
}

export interface TokenOptions extends UserOptions {
  /**
   * The scopes of the token, all of them: separated by blanks, or a list. Default: as many as one client can bring about.
   */
  readonly scope?: string | readonly string[] | undefined;
  /** The client that asks for the tree. Default: the first one that leads to such a token. */
  readonly client?: string | undefined;
  /** The service, or the client, that calls the service. Default: the nearest to the client. */
  readonly caller?: string | undefined;
  /** Whether the token has expired by now. Default: false. */
  readonly expired?: boolean | undefined;
}

/** Who asks where a client may not ask for itself. */
const SOMEBODY = 'user';

export class TestTrees {
  readonly #issuer: Issuer;
  readonly #clock: Clock;
  readonly #providers: TestProviders;
  readonly #sealKeys: TestSealKeys;
  readonly #extractors = new Map<ServicePlan, Extractor>();

  constructor(issuer: Issuer, clock: Clock, providers: TestProviders, sealKeys: TestSealKeys) {
    this.#sealKeys = sealKeys;
    this.#issuer = issuer;
    this.#clock = clock;
    this.#providers = providers;
  }

  async tree(
    client: ClientPlan,
    request: TreeRequest,
    { sub, claims = {}, request: context = {} }: UserOptions,
  ): Promise<IssuedTree> {
    const asked = { ...request, request: context };
    const isForUser = sub !== undefined || Object.keys(claims).length > 0;
    if (!isForUser && client.grants.has('client_credentials')) return this.#issuer.issue(client, asked);
    const subject = await this.#providers.tokenFor(client, sub ?? SOMEBODY, claims, this.#clock);
    return this.#issuer.issueFor(client, subject, asked);
  }

  async tokenFor(service: string, options: Omit<TokenOptions, 'expired'>): Promise<string> {
    const { sub, claims = {}, request: context = {}, scope, client, caller } = options;
    const { plan } = this.#issuer;
    const route = findRoute(plan, service, {
      scopes: typeof scope === 'string' ? scope.split(' ') : scope,
      forUser: sub !== undefined || Object.keys(claims).length > 0,
      ...{ client, caller },
    });
    const request = { scopes: route.scopes, resources: [route.entry.audience] };
    const isSwapped = route.client.token === 'opaque';
    const said = bySetter(plan, context);
    const ofClient = isSwapped ? said.client : context;
    const tree = await this.tree(route.client, request, { sub, claims, request: ofClient });
    let token = tree.opaque ? await this.#swap(tree.token, route.entry, said.gateway) : tree.token;
    for (const call of route.calls) token = await this.#tokenOf(call, token);
    return token;
  }

  /** As the gateway before the entry does. */
  async #swap(
    reference: string,
    entry: ServicePlan,
    request: Readonly<Record<string, unknown>>,
  ): Promise<string> {
    const { clients, services } = this.#issuer.plan;
    const gateways: Party[] = [
      ...[...clients.values()].map((client): Party => ({ kind: 'client', client })),
      ...[...services.values()].map((service): Party => ({ kind: 'service', service })),
    ].filter((party) => ('client' in party ? party.client : party.service).introspect.includes(entry));
    const [gateway] = gateways;
    const swap = { token: reference, form: 'token', request } as const;
    const answer = gateway && (await this.#issuer.introspect(gateway, swap));
    if (answer?.active === true && answer.token !== undefined) return answer.token;
    throw usageError(
      `No gateway of the graph may swap references for ${entry.name}: nobody has it in \`introspect\`.`,
    );
  }

  /** As the caller does, with the token that it received. */
  async #tokenOf({ caller, callee, mode }: RouteCall, token: string): Promise<string> {
    if (mode === 'exchange') return this.#exchange(caller, callee, token);
    const received = await this.#extractorOf(caller).authenticate({ authorization: `Bearer ${token}` });
    if (mode === 'forward') return withoutScheme(received.headersFor(callee.audience).authorization);
    try {
      return received.child(callee.name);
    } catch (error) {
      // The tree was too large for a header, so the issuer left this token out.
      if (isWaybillError(error, 'child_on_demand')) return this.#exchange(caller, callee, token);
      throw error;
    }
  }

  async #exchange(caller: ServicePlan, callee: ServicePlan, token: string): Promise<string> {
    const subjectToken = await this.#sealKeys.open(token, caller);
    const request = { subjectToken, audiences: [callee.name], resources: [], scopes: [] };
    return (await this.#issuer.exchange(caller, request)).token;
  }

  #extractorOf(service: ServicePlan): Extractor {
    return getOrAdd(this.#extractors, service, () => {
      const { url, limits } = this.#issuer.plan.issuer;
      const decryption = this.#sealKeys.decryptionFor(service.name);
      const budget = { inbound: limits.nested, unpacked: limits.nested, outbound: limits.nested };
      return extractor({
        ...{ issuer: url, audience: audienceOf(service), caller: 'none', clock: this.#clock, budget },
        jwksUri: `${url}/jwks`,
        fetch: async () => Response.json(this.#issuer.jwks),
        ...(decryption === undefined ? {} : { decryption }),
      });
    });
  }
}

function withoutScheme(authorization = ''): string {
  return authorization.replace(/^Bearer /, '');
}
