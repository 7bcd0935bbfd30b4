/** The beginning of a tree: what a client's request means, and what all tokens of the tree will carry. */
import { LRUCache } from 'lru-cache';
import { DEFAULT_CLAIM_BYTES } from '../../planning/header-budget/index.ts';
import { resolveRequest, type ClientPlan, type Plan, type TreeRequest } from '../../graph/index.ts';
import { ownText } from '../../input/copy-text.ts';
import type { Confirmation, Encoding } from '../../token/index.ts';
import { encodingFor } from './encoding.ts';
import { subjectClaim } from './subject-claims.ts';
import type { Subject } from './subjects.ts';
import type { WantedTree } from '../signing/tree-plan.ts';
import { newBranch, newTransaction, valuesOf, type TreeValues } from '../signing/values.ts';

export interface ResolvedRequest {
  readonly wanted: WantedTree;
  readonly values: TreeValues;
  /** How its root travels. */
  readonly encoding: Encoding;
}

/** What a client asks for. */
export interface IssueRequest extends TreeRequest {
  /** How the tree is to travel. Default: as the graph says. A service that takes bare JWTs alone is never sent another. */
  readonly encoding?: Encoding | undefined;
}

/** What requests mean that were asked before. */
const MAX_KEPT = 1_000;
/** Characters: a request may repeat a scope as often as its body has room. */
const MAX_KEY = 2_048;

/** Makes beginnings. What a client's own request means does not change with the time, and is kept. */
export class RequestResolver {
  readonly #plan: Plan;
  readonly #wanted = new LRUCache<string, WantedTree>({ max: MAX_KEPT });

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /**
   * @param iat seconds since the epoch.
   * @param of the user that it is for; absent: the client itself; and the key to which its root is bound.
   * @throws WaybillError `invalid_scope`, `invalid_target`
   */
  resolve(
    client: ClientPlan,
    request: IssueRequest,
    iat: number,
    of: { readonly subject?: Subject | undefined; readonly cnf?: Confirmation | undefined } = {},
  ): ResolvedRequest {
    const { subject, cnf } = of;
    const wanted = subject
      ? this.#resolve(client, request, subject.claims)
      : this.#ownRequest(client, request);
    const ofSubject: TreeValues['valueOf'] | undefined =
      subject && ((claim) => subjectClaim(subject.claims, claim, DEFAULT_CLAIM_BYTES));
    return {
      wanted,
      values: {
        client,
        subject: subject !== undefined,
        sub: subject?.sub ?? client.name,
        txn: newTransaction(),
        // Each swap signs anew, with ids of its own: the tree is weighed with their length.
        branch: client.token === 'opaque' ? newBranch() : undefined,
        cnf,
        iat,
        exp: Math.min(iat + this.#plan.issuer.lifetime, subject?.exp ?? Number.POSITIVE_INFINITY),
        valueOf: valuesOf(client, ofSubject),
      },
      encoding: encodingFor(this.#plan, wanted.service, request.encoding),
    };
  }

  #ownRequest(client: ClientPlan, request: IssueRequest): WantedTree {
    const { scopes = [], resources = [] } = request;
    // No scope of a graph has a blank in it, so a request with one that does is not found here.
    const key = `${client.name} ${scopes.length} ${scopes.join(' ')}${resources.length > 0 ? JSON.stringify(resources) : ''}`;
    const known = this.#wanted.get(key);
    if (known) return known;
    const wanted = this.#resolve(client, request, {});
    if (key.length <= MAX_KEY) this.#wanted.set(ownText(key), wanted);
    return wanted;
  }

  /** @param claims as verified here: what a caller of the library says of a subject does not count. */
  #resolve(
    client: ClientPlan,
    { scopes: asked = [], resources = [] }: IssueRequest,
    claims: Readonly<Record<string, unknown>>,
  ): WantedTree {
    const { service, scopes } = resolveRequest(this.#plan, client, {
      scopes: asked,
      resources,
      subject: claims,
    });
    return {
      service,
      scopes,
      caller: undefined,
      calls: client.calls.filter((call) => call.service === service),
    };
  }
}
