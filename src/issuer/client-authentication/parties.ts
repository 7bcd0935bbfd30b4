/** The parties that authenticate: clients, which ask for trees, and services, which fetch tokens of their callees. */
import type { Clock } from '../../clock.ts';
import type { AuthPlan, ClientPlan, Plan, ServicePlan } from '../../graph/index.ts';
import type { Store } from '../stores/index.ts';
import type { KeyWaits } from '../key-waits.ts';

export interface AuthenticationOptions {
  readonly plan: Plan;
  /** Shared secrets, by name. */
  readonly secrets: ReadonlyMap<string, string>;
  /** JWK Sets and bundles that `jwks_file` and `bundle_file` name, parsed, by the party's name. */
  readonly keySets: ReadonlyMap<string, unknown>;
  /** Where used assertions are marked. */
  readonly store: Store;
  readonly clock: Clock;
  readonly fetch: typeof globalThis.fetch;
  /** Of requests that wait for keys which are fetched. */
  readonly keyWaits: KeyWaits;
}

/** One way to authenticate. @returns the party's name. @throws WaybillError `invalid_client` */
export type Verify<Credentials> = (credentials: Credentials) => string | Promise<string>;

/** Who authenticated. */
export type Party =
  | { readonly kind: 'client'; readonly client: ClientPlan }
  | { readonly kind: 'service'; readonly service: ServicePlan };

export function nameOf(party: Party): string {
  return party.kind === 'client' ? party.client.name : party.service.name;
}

export interface AuthenticatingParty<Auth extends AuthPlan = AuthPlan> {
  readonly name: string;
  readonly auth: Auth;
}

/**
 * The clients and services that authenticate at the issuer, by name; the graph has one namespace for both. It says of each
 * which credentials `createIssuer` needs: a secret, or a key set.
 *
 * @example
 * ```ts
 * import { authenticatingParties, compileGraph } from 'waybill';
 *
 * const { plan } = compileGraph(['graphs/online-boutique.yaml']);
 * for (const [name, { auth }] of plan ? authenticatingParties(plan) : []) console.log(name, auth.method);
 * ```
 */
export function authenticatingParties(plan: Plan): ReadonlyMap<string, AuthenticatingParty> {
  const parties = new Map<string, AuthenticatingParty>();
  for (const { name, auth } of plan.clients.values()) parties.set(name, { name, auth });
  for (const { name, auth } of plan.services.values()) if (auth) parties.set(name, { name, auth });
  return parties;
}

/** The parties with one of these methods. */
export function partiesWith<Method extends AuthPlan['method']>(
  plan: Plan,
  ...methods: readonly Method[]
): ReadonlyMap<string, AuthenticatingParty<Extract<AuthPlan, { readonly method: Method }>>> {
  type Auth = Extract<AuthPlan, { readonly method: Method }>;
  const isWanted = (party: AuthenticatingParty): party is AuthenticatingParty<Auth> =>
    (methods as readonly string[]).includes(party.auth.method);
  const parties = [...authenticatingParties(plan).values()].filter(isWanted);
  return new Map(parties.map((party) => [party.name, party]));
}
