/** The issuer: from who asks, and for what, to a signed tree. It knows no HTTP. */
import { systemClock, type Clock } from '../clock.ts';
import { heldClaimsOf, type ClientPlan, type Plan, type ServicePlan } from '../graph/index.ts';
import type { KeyRing } from '../keys/index.ts';
import { atOnce, inSlices, type Steps } from '../slices.ts';
import { memoryStore, type Store, type StoreState } from '../store/index.ts';
import { keySet, tokenVerifier, type Confirmation, type Encoding } from '../token/index.ts';
import { ATTEMPT_LIMITS, Attempts, type AttemptLimits } from './attempts.ts';
import { Authentication, type Credentials } from './authenticate.ts';
import { Beginnings, type IssueRequest } from './begin.ts';
import { claimedName } from './claimed-name.ts';
import { Confirmations, type ShownKeys } from './confirmations.ts';
import { Exchanges, type ExchangeRequest } from './exchange.ts';
import { Introspector, type Introspection, type IntrospectionForm, type ProvenKeys } from './introspect.ts';
import { Issuance } from './issuance.ts';
import type { IssuedTree } from './issued-tree.ts';
import { signIntrospection } from './introspection-jwt.ts';
import { KeyWaits } from './key-waits.ts';
import { OpaqueTokens } from './opaque.ts';
import { authenticatingParties, nameOf, type Party } from './parties.ts';
import { Revocations } from './revocations.ts';
import { Revoker } from './revoke.ts';
import { Subjects, type Subject, type SubjectTokenType } from './subjects.ts';

export interface IssuerOptions {
  readonly plan: Plan;
  readonly keys: KeyRing;
  /** Shared secrets of clients and services, by name. */
  readonly secrets: ReadonlyMap<string, string>;
  /** JWK Sets and bundles of clients and services whose `auth` names a file of them, parsed, by name. Default: none. */
  readonly keySets?: ReadonlyMap<string, unknown>;
  /**
   * Opaque tokens, revocations, used assertions. Default: in memory, which is for a single process; one that another issuer object
   * follows, as at a reload, hands its store on.
   */
  readonly store?: Store;
  /** How often authentication may fail before it is refused unseen. Default: `ATTEMPT_LIMITS`. */
  readonly attempts?: AttemptLimits;
  readonly clock?: Clock;
  /** Fetches the keys of identity providers, and those that a `jwks_uri` names. Default: the global one. */
  readonly fetch?: typeof globalThis.fetch;
  /**
   * Bounds the requests that wait for such keys. Default: 500 at the same time; an issuer object that follows another
   * one takes over that of the first, as its requests may still wait.
   */
  readonly keyWaits?: KeyWaits;
}

/** A token of an identity provider, and what the client says that it is. */
export interface SubjectToken {
  readonly token: string;
  readonly type: SubjectTokenType;
}

export interface Issuer {
  readonly plan: Plan;
  readonly jwks: KeyRing['jwks'];
  /**
   * @param address where the request comes from; failures are counted for it. Default: one for all who have none.
   * @throws WaybillError `invalid_client`, `too_many_attempts`; `provider_unavailable`, `store_unavailable`
   */
  authenticate(credentials: Credentials, address?: string): Promise<Party>;
  /**
   * The key to which the tokens of a request are to be bound, of which it has shown that it holds it (RFC 8705 section 3,
   * RFC 9449 section 5). A DPoP proof is used up.
   *
   * @throws WaybillError `invalid_dpop_proof`, `invalid_request`, `store_unavailable`
   */
  confirm(party: Party, shown: ShownKeys): Promise<Confirmation | undefined>;
  /**
   * A tree for the client itself, which may be one that it has already (`reuse` of the graph).
   *
   * @param cnf as `confirm` gave it.
   * @throws WaybillError `invalid_scope`, `invalid_target`, `invalid_request`
   */
  issue(client: ClientPlan, request: IssueRequest, cnf?: Confirmation): Promise<IssuedTree>;
  /**
   * A tree for the user whom a provider's token names.
   *
   * @throws WaybillError as `issue`; `invalid_grant`, `provider_unavailable`
   */
  issueFor(
    client: ClientPlan,
    subject: SubjectToken,
    request: IssueRequest,
    cnf?: Confirmation,
  ): Promise<IssuedTree>;
  /**
   * A callee's token for a service that shows the token which it received.
   *
   * @throws WaybillError `invalid_request`, `invalid_target`, `invalid_scope`, `store_unavailable`
   */
  exchange(service: ServicePlan, request: ExchangeRequest): Promise<IssuedTree>;
  /**
   * What a token means, or the access token that a reference stands for (RFC 7662).
   *
   * @param proven of who presents the token to the party, where it asks for the access token.
   * @param encoding how the access token is to travel. Default: as it came; of a reference, as the graph says.
   * @throws WaybillError `store_unavailable`
   */
  introspect(
    party: Party,
    token: string,
    form: IntrospectionForm,
    proven?: ProvenKeys,
    encoding?: Encoding,
  ): Promise<Introspection>;
  /** RFC 9701: the answer to introspection as a JWT for who asked. */
  signIntrospection(party: Party, introspection: Readonly<Record<string, unknown>>): Promise<string>;
  /**
   * Takes the whole tree of a token back (RFC 7009).
   *
   * @returns its transaction; undefined where there is nothing to take back.
   * @throws WaybillError `unauthorized_client`, `store_unavailable`
   */
  revoke(party: Party, token: string): Promise<string | undefined>;
  /** Whether the store takes writes now. Never throws. */
  ready(): Promise<boolean>;
  /** The same issuer with other keys, made at once whatever the size of the graph. */
  withKeys(keys: KeyRing): Issuer;
  /** What is known of the store at this moment. */
  store(): StoreState;
}

/**
 * @throws WaybillError `secret_missing`, `keys_missing`, `keys_invalid`
 */
export function createIssuer(options: IssuerOptions): Issuer {
  return atOnce(prepareIssuer(options));
}

/**
 * The same for a process that answers requests meanwhile: of a graph of thousands of parties, whose keys and secrets
 * have to be read, a few milliseconds at a time.
 *
 * @param signal ends it; then the promise rejects with the signal's reason.
 * @throws WaybillError as `createIssuer`
 */
export async function createIssuerInSlices(options: IssuerOptions, signal?: AbortSignal): Promise<Issuer> {
  return inSlices(prepareIssuer(options), signal);
}

function* prepareIssuer(options: IssuerOptions): Steps<Issuer> {
  const { plan, keys, secrets, clock = systemClock, fetch = globalThis.fetch } = options;
  const { keySets = new Map<string, unknown>(), store = memoryStore({ clock }) } = options;
  const { keyWaits = new KeyWaits() } = options;
  const attempts = new Attempts(store, options.attempts ?? ATTEMPT_LIMITS);
  const fetching = { clock, fetch, keyWaits };
  const authentication = yield* Authentication.prepare({ plan, secrets, keySets, store, ...fetching });
  const parties = authenticatingParties(plan);
  return assemble(keys, { plan, store, ...fetching, attempts, authentication, parties });
}

/** What an issuer with other keys has in common with the one before. */
interface Shared extends Required<Pick<IssuerOptions, 'plan' | 'store' | 'clock' | 'fetch' | 'keyWaits'>> {
  readonly attempts: Attempts;
  readonly authentication: Authentication;
  readonly parties: ReturnType<typeof authenticatingParties>;
}

function assemble(keys: KeyRing, shared: Shared): Issuer {
  const { plan, store, clock, attempts, authentication, parties } = shared;
  const heldClaims = heldClaimsOf(plan);
  const { limits, url } = plan.issuer;
  const unpack = { maxNestedBytes: limits.nested, maxTokens: limits.tokens, maxDepth: limits.depth };
  const ownKeys = keySet(keys.jwks);
  const verify = tokenVerifier({ issuer: url, keys: ownKeys, clock, maxBytes: limits.nested, unpack });
  const revocations = new Revocations(store, clock);
  const opaque = new OpaqueTokens(store, clock);
  const beginnings = new Beginnings(plan);
  const issuance = new Issuance(plan, keys, heldClaims, opaque, revocations);
  const exchanges = new Exchanges(plan, verify, keys.heldKeys, revocations);
  const revoker = new Revoker(verify, opaque, revocations);
  const subjects = new Subjects(shared);
  const confirmations = new Confirmations(plan, store, clock);

  const introspector = new Introspector({ plan, verify, opaque, revocations, clock, issuance });

  const issue = async (
    client: ClientPlan,
    request: IssueRequest,
    of: { readonly subject?: Subject; readonly cnf?: Confirmation | undefined },
  ): Promise<IssuedTree> => issuance.issue(beginnings.of(client, request, clock(), of), of.subject);

  return {
    plan,
    jwks: keys.jwks,
    authenticate: (credentials, address = '') => {
      const client = claimedName(credentials);
      const name = parties.has(client) ? client : undefined;
      return attempts.limited({ client, address, name }, () => authentication.verify(credentials));
    },
    confirm: (party, shown) => confirmations.of(party, shown),
    issue: (client, request, cnf) => issue(client, request, { cnf }),
    async issueFor(client, { token, type }, request, cnf) {
      return issue(client, request, { subject: await subjects.verify(client, token, type), cnf });
    },
    async exchange(service, request) {
      return issuance.sign(await exchanges.resolve(service, request, clock()));
    },
    introspect: (party, token, form, proven, encoding) =>
      introspector.introspect(party, token, form, proven, encoding),
    signIntrospection: (party, introspection) =>
      signIntrospection(keys.signer, url, nameOf(party), clock(), introspection),
    revoke: (party, token) => revoker.revoke(party, token),
    ready: () => store.ready(),
    withKeys: (others) => assemble(others, shared),
    store: () => store.state(),
  };
}
