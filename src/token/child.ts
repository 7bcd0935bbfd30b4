/**
 * What makes a token the child of another: one issuer, one subject, one transaction, and no longer lifetime (threats 3
 * and 13). The parent's signature covers the child, so a difference is an issuer's mistake or a forged parent.
 */

import { WaybillError } from '../errors.ts';
import { chainOf, isSameChain } from './actors.ts';
import { audiencesOf, readClaims, type AccessTokenClaims } from './claims.ts';
import { decodeToken, type DecodeOptions, type DecodedToken } from './compact.ts';
import type { JsonObject } from './json.ts';
import { membersOf } from './packed/members.ts';
import { childOf, nestedOf, packAgain } from './packed/packed.ts';
import { isSealed, readSealedHeader } from './sealed/header.ts';
import type { OpenedToken } from './verify.ts';

/** What a child has in common with its parent. */
type KinClaims = Pick<AccessTokenClaims, 'iss' | 'sub' | 'txn' | 'exp' | 'client_id' | 'act'>;

/** A child as its parent carries it. Its own signature is the callee's to check. */
export interface DecodedChild {
  readonly name: string;
  readonly token: DecodedToken;
  readonly claims: AccessTokenClaims;
  /** The callee's primary audience: the first of `aud`. Any other is its own too, or one that it may forward the token to. */
  readonly audience: string;
}

/**
 * Decodes a child and checks that it belongs to its parent.
 *
 * @throws WaybillError `child_foreign`; `token_malformed`, `token_claims` or `token_too_large` where it cannot be read.
 */
export function decodeChild(
  parent: KinClaims,
  name: string,
  compact: string,
  options: DecodeOptions = {},
): DecodedChild {
  const token = decodeToken(compact, options);
  const claims = requireKin(parent, name, token.payload);
  return { name, token, claims, audience: audiencesOf(claims)[0] ?? '' };
}

/**
 * A child that is sealed to its service, as its carrier sees it: the signature over the parent is what says that it belongs
 * to it.
 *
 * @param parent `exp`: when it ends; seconds since the epoch.
 * @throws WaybillError `child_foreign` where it has no header as sealed tokens have it, or outlives its parent.
 */
export function sealedChild(parent: Pick<KinClaims, 'exp'>, name: string, compact: string): EmbeddedChild {
  const header = readSealedHeader(compact);
  if (header === undefined) throw foreign(name, 'is sealed in a way that no service opens');
  const { aud, exp = parent.exp } = header;
  if (exp > parent.exp) throw foreign(name, 'outlives its parent');
  return { audiences: [aud], exp, outbound: () => compact };
}

/** A child, for the holder of its parent. */
export interface EmbeddedChild {
  /** Those of `aud`; the first is the callee's primary one. */
  readonly audiences: readonly string[];
  /** Seconds since the epoch. */
  readonly exp: number;
  /** As it is sent: packed again where its parent came packed, and bare where it has no children. */
  readonly outbound: () => string;
}

/**
 * A child of a verified token, checked to belong to it.
 *
 * @param compact out of the parent's claims.
 * @throws WaybillError as `decodeChild`.
 */
export function openChild(parent: OpenedToken, name: string, compact: string): EmbeddedChild {
  if (isSealed(compact)) return sealedChild(parent.claims, name, compact);
  const taken = parent.node && childOf(parent.node, name);
  // What goes out is what the parent's signature covers, however the bundle was written.
  const node = taken !== undefined && nestedOf(taken) === compact ? taken : undefined;
  const isAlike = node?.kind === 'signed' && node.header === parent.node?.header;
  const members = isAlike ? membersOf(node) : undefined;
  const claims = members
    ? requireKin(parent.claims, name, members)
    : decodeChild(parent.claims, name, compact, { maxBytes: compact.length }).claims;
  return {
    audiences: audiencesOf(claims),
    exp: claims.exp,
    outbound: () => (node === undefined ? compact : packAgain(node)),
  };
}

function requireKin(parent: KinClaims, name: string, payload: JsonObject): AccessTokenClaims {
  const claims = readClaims(payload);
  for (const claim of ['iss', 'sub', 'txn'] as const) {
    if (claims[claim] !== parent[claim]) throw foreign(name, `differs from its parent in ${claim}`);
  }
  if (claims.exp > parent.exp) throw foreign(name, 'outlives its parent');
  const above = claims.act?.act;
  if (above && !isSameChain(above, chainOf(parent)))
    throw foreign(name, 'names other actors than its parent');
  return claims;
}

function foreign(name: string, what: string): WaybillError {
  return new WaybillError('child_foreign', `the token for ${JSON.stringify(name)} ${what}`);
}
