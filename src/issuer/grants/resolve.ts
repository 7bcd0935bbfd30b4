/** The first step of issuing: what a request is granted, for whom, bound to which key, and how the tree travels. */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.ts';
import {
  hasConditions,
  resolveRequest,
  type ClaimPlan,
  type ClientPlan,
  type Decision,
  type Plan,
  type RequestFacts,
  type TreeRequest,
} from '../../graph/index.ts';
import { copyText } from '../../input/copy-text.ts';
import type { Confirmation, Encoding } from '../../token/index.ts';
import { encodingFor } from './encoding.ts';
import type { PresentedKeys, SenderConstraints } from './sender-constraint.ts';
import { NO_REQUEST_CLAIMS, requestClaims, type RequestClaims } from './request-claims.ts';
import { subjectClaim } from './subject-claims.ts';
import type { Subject, SubjectToken, Subjects } from './subjects.ts';
import type { WantedTree } from '../signing/tree-plan.ts';
import { newBranch, newTransaction, valuesOf, type TreeValues } from '../signing/values.ts';

/** What `signing/` needs to plan and sign a tree. */
export interface ResolvedRequest {
  readonly wanted: WantedTree;
  /** What the tokens carry, the sender constraint (`cnf`) of the root included. */
  readonly values: TreeValues;
  readonly encoding: Encoding;
  /** The user of a client's tree; absent where the client asks for itself, or a service exchanges. */
  readonly subject?: Subject | undefined;
  /** The claims that a client set for its request; absent where a service exchanges, or a gateway swaps. */
  readonly context?: RequestClaims;
  /** What was known when the conditions of a client's tree were decided. */
  readonly facts?: RequestFacts;
}

/** What a client asks for. */
export interface IssueRequest extends TreeRequest {
  /** How the tree travels. Default: as the graph says. A service with `accepts: jwt` gets a nested tree in any case. */
  readonly encoding?: Encoding | undefined;
  /**
   * The keys that the request presents. The issuer verifies them and binds the root as the graph says; a DPoP proof is
   * used up. Default: the caller has done this, and `cnf` is the result.
   */
  readonly presented?: PresentedKeys | undefined;
  /** A verified sender constraint for the root, if `presented` is absent. Default: the root is bound to no key. */
  readonly cnf?: Confirmation | undefined;
}

const MAX_CACHED_REQUESTS = 1_000;
/** Characters: a request may repeat a scope as often as its body has room. */
const MAX_CACHE_KEY = 2_048;

export class RequestResolver {
  readonly #plan: Plan;
  readonly #clock: Clock;
  readonly #constraints: SenderConstraints;
  readonly #subjects: Subjects;
  /** Of clients' own requests, whose meaning does not change with the time. */
  readonly #wanted = new LRUCache<string, WantedTree>({ max: MAX_CACHED_REQUESTS });

  constructor(plan: Plan, clock: Clock, constraints: SenderConstraints, subjects: Subjects) {
    this.#plan = plan;
    this.#clock = clock;
    this.#constraints = constraints;
    this.#subjects = subjects;
  }

  /** @throws WaybillError `invalid_scope`, `invalid_target`, and as `SenderConstraints.resolve` */
  async forClient(client: ClientPlan, request: IssueRequest): Promise<ResolvedRequest> {
    const cnf = await this.#constraint(client, request);
    return this.#resolve(client, request, cnf, undefined);
  }

  /** @throws WaybillError as `forClient`; `invalid_grant`, `provider_unavailable` */
  async forUser(client: ClientPlan, user: SubjectToken, request: IssueRequest): Promise<ResolvedRequest> {
    const cnf = await this.#constraint(client, request);
    return this.#resolve(client, request, cnf, await this.#subjects.verify(client, user));
  }

  async #constraint(client: ClientPlan, { presented, cnf }: IssueRequest): Promise<Confirmation | undefined> {
    return presented ? this.#constraints.resolve({ kind: 'client', client }, presented) : cnf;
  }

  #resolve(
    client: ClientPlan,
    request: IssueRequest,
    cnf: Confirmation | undefined,
    subject: Subject | undefined,
  ): ResolvedRequest {
    const now = this.#clock();
    const context = request.request
      ? requestClaims(this.#plan, request.request, 'client')
      : NO_REQUEST_CLAIMS;
    const facts = { subject: subject && { ...subject, now }, request: context };
    // What a client asks for itself, with the same facts each time, means the same each time.
    const isAlike = !subject && (context.size === 0 || !hasConditions(this.#plan));
    const wanted = isAlike
      ? this.#cachedTree(client, request)
      : wantedTree(this.#plan, client, request, facts);
    const values = treeValues(client, now, cnf, subject, context, wanted.decision);
    const encoding = encodingFor(this.#plan, wanted.service, request.encoding);
    return { wanted, values, encoding, subject, context, facts };
  }

  #cachedTree(client: ClientPlan, request: IssueRequest): WantedTree {
    const { scopes = [], resources = [] } = request;
    // No scope of a graph has a blank in it, so a request with one that does is not found here.
    const key = `${client.name} ${scopes.length} ${scopes.join(' ')}${resources.length > 0 ? JSON.stringify(resources) : ''}`;
    const known = this.#wanted.get(key);
    if (known) return known;
    const wanted = wantedTree(this.#plan, client, request, {});
    if (key.length <= MAX_CACHE_KEY) this.#wanted.set(copyText(key), wanted);
    return wanted;
  }
}

/**
 * What a client's request is granted.
 *
 * @param facts as the issuer verified them; those in `request`, which a program may have filled in, are ignored.
 * @throws WaybillError `invalid_scope`, `invalid_target`; `insufficient_user_authentication`
 */
export function wantedTree(
  plan: Plan,
  client: ClientPlan,
  { scopes: asked = [], resources = [] }: IssueRequest,
  facts: RequestFacts,
): WantedTree {
  const resolved = resolveRequest(plan, client, { scopes: asked, resources, facts });
  const { service, scopes, decision, stepUp } = resolved;
  const calls = client.calls.filter((call) => call.service === service);
  return { service, scopes, caller: undefined, calls, decision, stepUp };
}

/**
 * What the tokens of a client's tree carry.
 *
 * @param iat seconds since the epoch.
 * @param context the claims of the request, checked.
 * @param decision on the conditions in the tree. Default: there are none.
 */
export function treeValues(
  client: ClientPlan,
  iat: number,
  cnf: Confirmation | undefined,
  subject: Subject | undefined,
  context: RequestClaims,
  decision?: Decision,
): TreeValues {
  const hasOwnValues = subject !== undefined || context.size > 0;
  const others = hasOwnValues
    ? {
        subject: (claim: ClaimPlan) => subject && subjectClaim(subject.claims, claim),
        request: ({ name }: ClaimPlan) => context.get(name),
      }
    : undefined;
  return {
    client,
    hasOwnValues,
    awaitsGateway: client.token === 'opaque',
    sub: subject?.sub ?? client.name,
    txn: newTransaction(),
    // Each swap signs anew, with ids of its own: the tree is measured with their length.
    branch: client.token === 'opaque' ? newBranch() : undefined,
    cnf,
    iat,
    exp: Math.min(iat + client.lifetime, subject?.exp ?? Number.POSITIVE_INFINITY),
    decision,
    valueOf: valuesOf(client, others),
  };
}
