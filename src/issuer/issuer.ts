/** The issuer: from who asks, and for what, to a signed tree. It knows no HTTP. */
import { DEFAULT_CLAIM_BYTES } from '../budget/index.ts';
import { systemClock, type Clock } from '../clock.ts';
import {
  heldClaimsOf,
  resolveRequest,
  type ClientPlan,
  type Plan,
  type ServicePlan,
  type TreeRequest,
} from '../graph/index.ts';
import type { KeyRing } from '../keys/index.ts';
import { keySet, tokenVerifier } from '../token/index.ts';
import { SecretAuthentication, type Credentials, type Party } from './authenticate.ts';
import { Exchanges, type ExchangeRequest } from './exchange.ts';
import { TreeSigner } from './sign.ts';
import { Subjects, subjectClaim, type Subject, type SubjectTokenType } from './subjects.ts';
import { TreePlans, type WantedTree } from './tree-plan.ts';
import { newTransaction, valuesOf, type TreeValues } from './values.ts';

export interface IssuerOptions {
  readonly plan: Plan;
  readonly keys: KeyRing;
  /** Shared secrets of clients and services, by name. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly clock?: Clock;
  /** Fetches the keys of identity providers. Default: the global one. */
  readonly fetch?: typeof globalThis.fetch;
}

/** A tree as it was issued, and what may be logged of it. */
export interface IssuedTree {
  /** The root token. Never logged. */
  readonly token: string;
  /** The client for which it was made. */
  readonly client: string;
  /** The service that fetched it; absent where the client asked. */
  readonly caller: string | undefined;
  /** The service that the root token is for. */
  readonly entry: string;
  /** Granted scopes of the entry, space-separated. */
  readonly scope: string;
  readonly txn: string;
  /** Tokens in the tree. */
  readonly tokens: number;
  /** Bytes of the root token. */
  readonly bytes: number;
  /** Seconds. */
  readonly expiresIn: number;
}

/** A token of an identity provider, and what the client says that it is. */
export interface SubjectToken {
  readonly token: string;
  readonly type: SubjectTokenType;
}

export interface Issuer {
  readonly plan: Plan;
  readonly jwks: KeyRing['jwks'];
  /** @throws WaybillError `invalid_client` */
  authenticate(credentials: Credentials): Party;
  /** @throws WaybillError `invalid_scope`, `invalid_target`, `invalid_request` */
  issue(client: ClientPlan, request: TreeRequest): Promise<IssuedTree>;
  /**
   * A tree for the user whom a provider's token names.
   *
   * @throws WaybillError as `issue`; `invalid_grant`, `provider_unavailable`
   */
  issueFor(client: ClientPlan, subject: SubjectToken, request: TreeRequest): Promise<IssuedTree>;
  /**
   * A callee's token for a service that shows the token which it received.
   *
   * @throws WaybillError `invalid_request`, `invalid_target`, `invalid_scope`
   */
  exchange(service: ServicePlan, request: ExchangeRequest): Promise<IssuedTree>;
}

/**
 * @throws WaybillError `secret_missing`
 */
export function createIssuer(options: IssuerOptions): Issuer {
  const { plan, keys, secrets, clock = systemClock, fetch = globalThis.fetch } = options;
  const authentication = new SecretAuthentication(plan, secrets);
  const heldClaims = heldClaimsOf(plan);
  const trees = new TreePlans(plan, keys.signer, heldClaims);
  const signer = new TreeSigner(plan, keys, heldClaims);
  const { limits, url, lifetime } = plan.issuer;
  const verify = tokenVerifier({ issuer: url, keys: keySet(keys.jwks), clock, maxBytes: limits.nested });
  const exchanges = new Exchanges(plan, verify, keys.heldKeys);
  const subjects = new Subjects(plan, clock, fetch);

  async function sign(wanted: WantedTree, values: TreeValues): Promise<IssuedTree> {
    const tree = trees.of(wanted, values);
    const token = await signer.sign(tree, values);
    const { service, scopes, caller } = wanted;
    return {
      token,
      client: values.client.name,
      caller: caller?.name,
      entry: service.name,
      scope: scopes.map((scope) => scope.name).join(' '),
      txn: values.txn,
      tokens: tree.shape.tokens,
      bytes: token.length,
      expiresIn: Math.min(values.exp - values.iat, service.lifetime ?? Number.POSITIVE_INFINITY),
    };
  }

  async function begin(client: ClientPlan, request: TreeRequest, subject?: Subject): Promise<IssuedTree> {
    const { scopes: asked = [], resources = [] } = request;
    const claims = subject?.claims ?? {}; // as verified here: what a caller of the library says of them does not count
    const { service, scopes } = resolveRequest(plan, client, { scopes: asked, resources, subject: claims });
    const calls = client.calls.filter((call) => call.service === service);
    const iat = clock();
    return sign(
      { service, scopes, caller: undefined, calls },
      {
        client,
        subject: subject !== undefined,
        sub: subject?.sub ?? client.name,
        txn: newTransaction(),
        branch: undefined,
        iat,
        exp: Math.min(iat + lifetime, subject?.exp ?? Number.POSITIVE_INFINITY),
        valueOf: valuesOf(
          client,
          subject && ((claim) => subjectClaim(subject.claims, claim, DEFAULT_CLAIM_BYTES)),
        ),
      },
    );
  }

  return {
    plan,
    jwks: keys.jwks,
    authenticate: (credentials) => authentication.verify(credentials),
    issue: (client, request) => begin(client, request),
    async issueFor(client, { token, type }, request) {
      return begin(client, request, await subjects.verify(client, token, type));
    },
    async exchange(service, request) {
      const { wanted, values } = await exchanges.resolve(service, request, clock());
      return sign(wanted, values);
    },
  };
}
