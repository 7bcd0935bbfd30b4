/** What an issuer does, whatever the plan and the keys of the moment. */
import type { ClientPlan, Plan, ServicePlan } from '../graph/index.ts';
import type { ReceivedCredentials } from './client-authentication/authenticate.ts';
import type { Party } from './client-authentication/parties.ts';
import type { ExchangeRequest } from './grants/exchange.ts';
import type { IssueRequest } from './grants/resolve.ts';
import type { SubjectToken } from './grants/subjects.ts';
import type { KeyRing } from './keys/index.ts';
import type { IssuedTree } from './signing/issued-tree.ts';
import type { StoreState } from './stores/index.ts';
import type { Introspection, IntrospectionRequest } from './token-lifecycle/introspect.ts';

/** Signs, exchanges, introspects and revokes token trees of one graph. It knows no HTTP. */
export interface Issuer {
  readonly plan: Plan;
  readonly jwks: KeyRing['jwks'];
  /**
   * @param address of the sender, for which failures are counted. Default: one for all requests without an address.
   * @throws WaybillError `invalid_client`, `too_many_attempts`; `provider_unavailable`, `store_unavailable`
   */
  authenticate(credentials: ReceivedCredentials, address?: string): Promise<Party>;
  /**
   * Issues a tree to the client itself. With `reuse` in the graph it may be one that the client has already.
   *
   * @throws WaybillError `invalid_scope`, `invalid_target`, `invalid_request`; `invalid_dpop_proof`, `store_unavailable`
   */
  issue(client: ClientPlan, request: IssueRequest): Promise<IssuedTree>;
  /**
   * Issues a tree for the user whom a provider's token names.
   *
   * @throws WaybillError as `issue`; `invalid_grant`, `provider_unavailable`
   */
  issueFor(client: ClientPlan, subject: SubjectToken, request: IssueRequest): Promise<IssuedTree>;
  /**
   * Issues a callee's token to a service that presents the token which it received.
   *
   * @throws WaybillError `invalid_request`, `invalid_target`, `invalid_scope`, `store_unavailable`
   */
  exchange(service: ServicePlan, request: ExchangeRequest): Promise<IssuedTree>;
  /**
   * Says what a token means, or gives the access token that a reference stands for (RFC 7662).
   *
   * @throws WaybillError `store_unavailable`
   */
  introspect(party: Party, request: IntrospectionRequest): Promise<Introspection>;
  /** RFC 9701: the introspection response as a JWT for this party. */
  signIntrospection(party: Party, introspection: Readonly<Record<string, unknown>>): Promise<string>;
  /**
   * Revokes the whole tree of a token (RFC 7009).
   *
   * @returns its transaction; undefined if there is nothing to revoke.
   * @throws WaybillError `unauthorized_client`, `store_unavailable`
   */
  revoke(party: Party, token: string): Promise<string | undefined>;
  /** Whether the store takes writes now. Never throws. */
  ready(): Promise<boolean>;
  /** The same issuer with other keys. Takes no time, whatever the size of the graph. */
  withKeys(keys: KeyRing): Issuer;
  /** The state of the store at this moment. */
  store(): StoreState;
}
