/**
 * The payload of an access token as the issuer writes it: RFC 9068 section 2.2 and the claims of a tree. The order
 * of members is fixed, so that equal values give equal bytes.
 */

import type { Actor } from '../protocol.ts';
import type { AccessTokenClaims } from './claims.ts';
import type { Confirmation } from './confirmation.ts';

/** Everything but the children: what stands in a token whatever it embeds. */
export interface PayloadValues {
  readonly iss: string;
  readonly aud: string | readonly string[];
  /** Whom the tree is for. */
  readonly sub: string;
  /** The client that asked for the tree. */
  readonly clientId: string;
  /** Space-separated. */
  readonly scope: string;
  /** Seconds since the epoch. */
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  /** One id for the whole tree (RFC 8417 section 2.2). */
  readonly txn: string;
  /** The expected presenter, and who acted before it (RFC 8693 section 4.1); absent on a root. */
  readonly act: Actor | undefined;
  /** The key to which a root is bound; absent where it is bound to none, and on every child. */
  readonly cnf?: Confirmation | undefined;
  /** Tailored claims, in the order of their declaration. */
  readonly claims: readonly (readonly [name: string, value: unknown])[];
  /** Callees whose token is fetched when it is needed, with their audiences. */
  readonly onDemand: readonly (readonly [callee: string, audience: string | readonly string[]])[];
  /** Deferred claims, encrypted to the issuer; absent if there are none. */
  readonly held?: string | undefined;
}

/** @param embedded the callees' tokens by name. */
export function payloadOf(
  values: PayloadValues,
  embedded: readonly (readonly [callee: string, token: string])[],
): object {
  return {
    iss: values.iss,
    aud: values.aud,
    sub: values.sub,
    client_id: values.clientId,
    scope: values.scope,
    iat: values.iat,
    exp: values.exp,
    jti: values.jti,
    txn: values.txn,
    ...(values.act === undefined ? {} : { act: values.act }),
    ...(values.cnf === undefined ? {} : { cnf: values.cnf }),
    ...Object.fromEntries(values.claims),
    ...(values.onDemand.length === 0 ? {} : { on_demand: Object.fromEntries(values.onDemand) }),
    ...(values.held === undefined ? {} : { held: values.held }),
    ...(embedded.length === 0 ? {} : { embedded: Object.fromEntries(embedded) }),
  };
}

/** The `typ` of every access token (RFC 9068 section 2.1). */
export const ACCESS_TOKEN_TYPE = 'at+jwt';

export function headerOf(alg: string, kid: string): object {
  return { alg, typ: ACCESS_TOKEN_TYPE, kid };
}

/** Characters of a `txn`: 128 random bits as base64url. */
export const TXN_CHARS = 22;

/** Whether a token is the root that a client received: what a swap or an exchange signs has ids of its own. */
export function isFirstRoot({ jti, txn, act }: Pick<AccessTokenClaims, 'jti' | 'txn' | 'act'>): boolean {
  return act === undefined && jti === jtiOf(txn, 0);
}

/**
 * @param n the token's index in its tree in pre-order; the root has 0.
 * @param branch 64 random bits as base64url for a tree from an exchange, so that its ids are unique.
 */
export function jtiOf(txn: string, n: number, branch?: string): string {
  return branch === undefined ? `${txn}.${n}` : `${txn}.${branch}.${n}`;
}
