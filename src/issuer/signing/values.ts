/** The values that all tokens of a tree carry. */
import { randomFillSync } from 'node:crypto';
import type { Actor, ClaimPlan, ClientPlan, Decision } from '../../graph/index.ts';
import type { Confirmation } from '../../token/index.ts';

export interface TreeValues {
  /** The client of the tree, also in tokens that services fetch by exchange. */
  readonly client: ClientPlan;
  /** The chain of the token that a service exchanges; absent in a client's tree: its root stands below the client. */
  readonly above?: Actor;
  /** Whether it carries values that the graph does not have: of a subject, or of the request. */
  readonly hasOwnValues: boolean;
  /** Whether gateways set claims later, with each swap: a missing one is no fault yet. Default: false. */
  readonly awaitsGateway?: boolean;
  readonly sub: string;
  readonly txn: string;
  /** Makes the ids of an exchanged or swapped tree unique in its transaction; absent in a tree that a client receives. */
  readonly branch: string | undefined;
  /** The sender constraint of the root; always absent in an exchange by a service. */
  readonly cnf?: Confirmation | undefined;
  /** Seconds since the epoch. */
  readonly iat: number;
  /** No token of the tree lives longer. */
  readonly exp: number;
  /** On the conditions in the tree; absent where there are none. */
  readonly decision?: Decision | undefined;
  /** A claim's value; undefined if it has none. */
  readonly valueOf: (claim: ClaimPlan) => unknown;
}

/**
 * Fixed values and those of the client are in the graph.
 *
 * @param others gives the values of the subject and of the request. Default: there are none.
 */
export function valuesOf(
  client: ClientPlan,
  others?: Readonly<Record<'subject' | 'request', TreeValues['valueOf']>>,
): TreeValues['valueOf'] {
  return (claim) => {
    if ('value' in claim.source) return claim.source.value;
    const { from } = claim.source;
    return from === 'client' ? client.claims.get(claim.name) : others?.[from](claim);
  };
}

/** 128 random bits: one id for a whole tree (RFC 8417 section 2.2). */
export function newTransaction(): string {
  return randomText(16);
}

/** 64 random bits. */
export function newBranch(): string {
  return randomText(8);
}

/** Random bytes in stock, which amortises the system call. Ids are not secret. */
const pool = Buffer.alloc(4096);
let used = pool.length;

function randomText(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.toString('base64url', used - bytes, used);
}
