/** What a tree will weigh, as it is worked out before anything is signed. */
import {
  Measure,
  signingSize,
  type MeasuredToken,
  type SigningSize,
} from '../../../src/planning/header-budget/index.ts';
import {
  Walk,
  heldClaimsOf,
  heldConjunctsOf,
  resolveRequest,
  type Actor,
  type ClientPlan,
  type Decision,
  type Plan,
  type TokenShape,
  type TreeRequest,
} from '../../../src/graph/index.ts';
import type { ConfirmationMethod } from '../../../src/token/index.ts';
import { clientOf } from './issue.ts';

/** What a tree carries beside what the graph says. */
export interface Carried {
  readonly client: ClientPlan;
  /** Default: the client's name. */
  readonly sub?: string;
  /** Of the subject, by the claim's name in the graph. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly signing?: SigningSize;
  readonly exchanged?: boolean;
  /** The chain of the token above. Default: the client. */
  readonly above?: Actor | undefined;
  /** How the root is bound. Default: it is not. */
  readonly confirmation?: ConfirmationMethod | undefined;
  /** On the conditions of the tree. Default: there are none. */
  readonly decision?: Decision | undefined;
}

/** @returns the bytes of every token, in pre-order, with every claim at its real size. */
export function measured(
  plan: Plan,
  clientName: string,
  request: TreeRequest,
  signing: SigningSize = signingSize(plan.issuer.signing),
): number[] {
  const client = clientOf(plan, clientName);
  const { service, scopes } = resolveRequest(plan, client, request);
  return measuredShape(plan, new Walk().shape(service, scopes), { client, signing });
}

/** The same for a tree of any shape. */
export function measuredShape(plan: Plan, shape: TokenShape, carried: Carried): number[] {
  const { client, claims = {}, sub = client.name, exchanged = false, decision } = carried;
  const measure = new Measure({
    issuer: plan.issuer.url,
    sub,
    clientId: client.name,
    signing: carried.signing ?? signingSize(plan.issuer.signing),
    claimBytes: ({ name, source }) => {
      const value = 'value' in source ? source.value : (client.claims.get(name) ?? claims[name]);
      return value === undefined ? undefined : Buffer.byteLength(JSON.stringify(value));
    },
    heldClaims: heldClaimsOf(plan),
    heldConjuncts: heldConjunctsOf(plan),
    decision,
    exchanged,
    confirmation: carried.confirmation,
  });
  const bytes = (token: MeasuredToken): number[] => [
    token.bytes,
    ...token.children.flatMap((child) => bytes(child.token)),
  ];
  return bytes(measure.exact(shape, carried.above));
}
