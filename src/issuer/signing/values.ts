/** What all tokens of a tree carry, whoever asked for it and however. */
import { randomFillSync } from 'node:crypto';
import type { ClaimPlan, ClientPlan } from '../../graph/index.ts';
import type { Confirmation } from '../../token/index.ts';

export interface TreeValues {
  /** The client for which the tree was made; it stays so in what services fetch for it. */
  readonly client: ClientPlan;
  /** Whether it is for a subject, not for the client itself. */
  readonly subject: boolean;
  readonly sub: string;
  readonly txn: string;
  /** Sets the ids of a fetched tree apart from all others of its transaction; absent where a client asked. */
  readonly branch: string | undefined;
  /** The key to which the root is bound; absent where it is bound to none, and always where a service asked. */
  readonly cnf?: Confirmation | undefined;
  /** Seconds since the epoch. */
  readonly iat: number;
  /** No token of the tree lives longer. */
  readonly exp: number;
  /** A claim's value; `undefined` where it has none. */
  readonly valueOf: (claim: ClaimPlan) => unknown;
}

/**
 * Fixed values and those of the client are in the graph; a subject's are given.
 *
 * @param ofSubject the value of a subject's claim.
 */
export function valuesOf(
  client: ClientPlan,
  ofSubject: TreeValues['valueOf'] = () => undefined,
): TreeValues['valueOf'] {
  return (claim) => {
    if ('value' in claim.source) return claim.source.value;
    return claim.source.from === 'client' ? client.claims.get(claim.name) : ofSubject(claim);
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

/** Drawn from the system in one go: asking takes longer than what is given. Ids are no secrets. */
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
