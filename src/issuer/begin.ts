/** The beginning of a tree: what a client's request means, and what all tokens of the tree will carry. */
import { DEFAULT_CLAIM_BYTES } from '../budget/index.ts';
import { resolveRequest, type ClientPlan, type Plan, type TreeRequest } from '../graph/index.ts';
import type { Confirmation, Encoding } from '../token/index.ts';
import { encodingFor } from './encoding.ts';
import { subjectClaim, type Subject } from './subjects.ts';
import type { WantedTree } from './tree-plan.ts';
import { newBranch, newTransaction, valuesOf, type TreeValues } from './values.ts';

export interface Beginning {
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

/**
 * @param iat seconds since the epoch.
 * @param of the user that it is for; absent: the client itself; and the key to which its root is bound.
 * @throws WaybillError `invalid_scope`, `invalid_target`
 */
export function beginningOf(
  plan: Plan,
  client: ClientPlan,
  request: IssueRequest,
  iat: number,
  of: { readonly subject?: Subject | undefined; readonly cnf?: Confirmation | undefined } = {},
): Beginning {
  const { subject, cnf } = of;
  const { scopes: asked = [], resources = [] } = request;
  // As verified here: what a caller of the library says of a subject does not count.
  const claims = subject?.claims ?? {};
  const { service, scopes } = resolveRequest(plan, client, { scopes: asked, resources, subject: claims });
  const ofSubject: TreeValues['valueOf'] | undefined =
    subject && ((claim) => subjectClaim(subject.claims, claim, DEFAULT_CLAIM_BYTES));
  return {
    wanted: {
      service,
      scopes,
      caller: undefined,
      calls: client.calls.filter((call) => call.service === service),
    },
    values: {
      client,
      subject: subject !== undefined,
      sub: subject?.sub ?? client.name,
      txn: newTransaction(),
      // Each swap signs anew, with ids of its own: the tree is weighed with their length.
      branch: client.token === 'opaque' ? newBranch() : undefined,
      cnf,
      iat,
      exp: Math.min(iat + plan.issuer.lifetime, subject?.exp ?? Number.POSITIVE_INFINITY),
      valueOf: valuesOf(client, ofSubject),
    },
    encoding: encodingFor(plan, service, request.encoding),
  };
}
