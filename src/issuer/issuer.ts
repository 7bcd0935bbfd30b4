/** The issuer: authenticates a party, resolves its request, and signs the tree. It knows no HTTP. */
import { systemClock, type Clock } from '../clock.ts';
import { heldClaimsOf, sealsAny, type Plan } from '../graph/index.ts';
import type { KeyRing } from './keys/index.ts';
import { atOnce, inSlices, type Steps } from '../planning/index.ts';
import { memoryStore, type Store } from './stores/index.ts';
import { eagerVerifier, keySet, type VerifiedTree } from '../token/index.ts';
import { ATTEMPT_LIMITS, Attempts, type AttemptLimits } from './client-authentication/attempts.ts';
import { prepareAuthentication, type Authenticate } from './client-authentication/authenticate.ts';
import { FetchedSealKeys } from './sealing/fetched-keys.ts';
import { SealKeys } from './sealing/seal-keys.ts';
import { RequestResolver } from './grants/resolve.ts';
import { claimedName } from './client-authentication/claimed-name.ts';
import { SenderConstraints } from './grants/sender-constraint.ts';
import { resolveExchange } from './grants/exchange.ts';
import { Introspector } from './token-lifecycle/introspect.ts';
import { Issuance } from './signing/issuance.ts';
import { signIntrospection } from './token-lifecycle/introspection-jwt.ts';
import { opaqueTokens } from './token-lifecycle/opaque.ts';
import { authenticatingParties, nameOf } from './client-authentication/parties.ts';
import { revocationsIn } from './token-lifecycle/revocations.ts';
import { revoke } from './token-lifecycle/revoke.ts';
import { Subjects } from './grants/subjects.ts';
import type { Issuer } from './issuer-interface.ts';
import { issuerOfDay } from './issuer-of-day.ts';
import { KeyWaits } from './key-waits.ts';

/** What an issuer is made from. */
export interface IssuerOptions {
  readonly plan: Plan;
  readonly keys: KeyRing;
  /** Shared secrets of clients and services, by name. */
  readonly secrets: ReadonlyMap<string, string>;
  /** JWK Sets and bundles of clients and services whose `auth` names a file of them, parsed, by name. Default: none. */
  readonly keySets?: ReadonlyMap<string, unknown>;
  /** JWK Sets of services whose `encryption` names a file of them, parsed, by name. Default: none. */
  readonly encryptionKeys?: ReadonlyMap<string, unknown>;
  /**
   * Opaque tokens, revocations, used assertions. Default: in memory, for a single process. At a reload, pass the store of the
   * issuer that is replaced.
   */
  readonly store?: Store;
  /** How often authentication may fail before further attempts are refused. Default: in a minute 10 for a client at an address, 100 for an address. */
  readonly attempts?: AttemptLimits;
  readonly clock?: Clock;
  /** Fetches the keys of identity providers, and those that a `jwks_uri` names. Default: the global one. */
  readonly fetch?: typeof globalThis.fetch;
}

/** Of a process that replaces one issuer by another. */
export interface ServedIssuerOptions extends IssuerOptions {
  /**
   * Bounds the requests that wait for such keys. Default: 500 at the same time; an issuer object that follows another
   * one takes over that of the first, as its requests may still wait.
   */
  readonly keyWaits?: KeyWaits;
  /** Encryption keys that were fetched, which outlive a reload. Default: none yet. */
  readonly fetchedSealKeys?: FetchedSealKeys;
}

export type { Issuer } from './issuer-interface.ts';

/**
 * Makes an issuer from a compiled graph. It signs, exchanges, introspects and revokes; it opens no port (`createApp` does).
 *
 * @throws WaybillError `secret_missing` if a party of the graph has no secret in `secrets`; `keys_missing`, `keys_invalid`.
 *
 * @example
 * ```ts
 * import { compileGraph, createIssuer, generateKey, keyRing } from 'waybill';
 *
 * const { plan } = compileGraph(['graphs/hello.yaml']);
 * if (!plan) throw new Error('the graph has errors');
 * const { signing } = plan.issuer;
 * const keys = keyRing([await generateKey(signing)], signing);
 * const issuer = createIssuer({ plan, keys, secrets: new Map([['web', process.env.WEB_SECRET ?? '']]) });
 * ```
 */
export function createIssuer(options: IssuerOptions): Issuer {
  return atOnce(prepareIssuer(options));
}

/**
 * The same for a process that answers requests meanwhile: reads the keys and secrets of a graph with thousands of parties
 * a few milliseconds at a time.
 *
 * @param signal ends it; then the promise rejects with the signal's reason.
 * @throws WaybillError as `createIssuer`
 */
export async function createIssuerInSlices(
  options: ServedIssuerOptions,
  signal?: AbortSignal,
): Promise<Issuer> {
  return inSlices(prepareIssuer(options), signal);
}

function* prepareIssuer(options: ServedIssuerOptions): Steps<Issuer> {
  const { plan, keys, secrets, clock = systemClock, fetch = globalThis.fetch } = options;
  const { keySets = new Map<string, unknown>(), store = memoryStore({ clock }) } = options;
  const { keyWaits = new KeyWaits() } = options;
  const attempts = new Attempts(store, options.attempts ?? ATTEMPT_LIMITS);
  const fetching = { clock, fetch, keyWaits };
  const { encryptionKeys = new Map<string, unknown>(), fetchedSealKeys: fetched = new FetchedSealKeys() } =
    options;
  const sealKeys = sealsAny(plan) ? new SealKeys({ plan, encryptionKeys, fetched, ...fetching }) : undefined;
  const authenticate = yield* prepareAuthentication({ plan, secrets, keySets, store, ...fetching });
  const parties = authenticatingParties(plan);
  return assemble(keys, { plan, store, ...fetching, attempts, authenticate, parties, sealKeys });
}

/** What an issuer with other keys shares with the one before. */
interface Shared extends Required<
  Pick<ServedIssuerOptions, 'plan' | 'store' | 'clock' | 'fetch' | 'keyWaits'>
> {
  readonly attempts: Attempts;
  readonly authenticate: Authenticate;
  readonly parties: ReturnType<typeof authenticatingParties>;
  /** Absent if the graph seals nothing. */
  readonly sealKeys: SealKeys | undefined;
}

function assemble(keys: KeyRing, shared: Shared): Issuer {
  return issuerOfDay(shared.plan, shared.clock, (plan) => assembleForPlan(keys, { ...shared, plan }));
}

function assembleForPlan(keys: KeyRing, shared: Shared): Issuer {
  const { plan, store, clock, attempts, authenticate, parties, sealKeys } = shared;
  const heldClaims = heldClaimsOf(plan);
  const { limits, url } = plan.issuer;
  const unpack = { maxNestedBytes: limits.nested, maxTokens: limits.tokens, maxDepth: limits.depth };
  const ownKeys = keySet(keys.jwks);
  const verifyEagerly = eagerVerifier({ issuer: url, keys: ownKeys, clock, maxBytes: limits.nested, unpack });
  const verify = async (token: string): Promise<VerifiedTree> => verifyEagerly(token);
  const revocations = revocationsIn(store, clock);
  const opaque = opaqueTokens(store, clock);
  const issuance = new Issuance(plan, keys, heldClaims, opaque, revocations, sealKeys);
  const constraints = new SenderConstraints(plan, store, clock);
  const resolver = new RequestResolver(plan, clock, constraints, new Subjects(shared));
  const { heldKeys } = keys;
  const exchange = { plan, clock, constraints, verify, heldKeys, revocations };
  const introspector = new Introspector({ plan, verify, opaque, revocations, clock, issuance });

  return {
    plan,
    jwks: keys.jwks,
    authenticate: (credentials, address = '') => {
      const client = claimedName(credentials);
      const name = parties.has(client) ? client : undefined;
      return attempts.limited({ client, address, name }, () => authenticate(credentials));
    },
    issue: async (client, request) => issuance.issue(await resolver.forClient(client, request)),
    issueFor: async (client, subject, request) =>
      issuance.issue(await resolver.forUser(client, subject, request)),
    exchange: async (service, request) => issuance.issue(await resolveExchange(exchange, service, request)),
    introspect: (party, request) => introspector.introspect(party, request),
    signIntrospection: (party, introspection) =>
      signIntrospection(keys.signer, url, nameOf(party), clock(), introspection),
    revoke: (party, token) => revoke({ verify, opaque, revocations }, party, token),
    ready: () => store.ready(),
    withKeys: (others) => assemble(others, shared),
    store: () => store.state(),
  };
}
