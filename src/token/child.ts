/**
 * What makes a token the child of another: one issuer, one subject, one transaction, and no longer life (threats 3
 * and 13). The parent's signature covers the child, so a difference is an issuer's mistake or a forged parent.
 */

import { WaybillError } from '../errors.ts';
import { audiencesOf, readClaims } from './claims.ts';
import type { AccessTokenClaims } from './claims.ts';
import { decodeToken } from './compact.ts';
import type { DecodeOptions, DecodedToken } from './compact.ts';
import { childOf, nestedOf, packNode } from './packed/packed.ts';
import type { VerifiedToken } from './verify.ts';

/** A child as its parent carries it. Its own signature is the callee's to check. */
export interface DecodedChild {
  readonly name: string;
  readonly token: DecodedToken;
  readonly claims: AccessTokenClaims;
  /** The callee's own audience: the first of `aud`. Any other is one that the callee may forward the token to. */
  readonly audience: string;
}

/**
 * Decodes a child and checks that it belongs to its parent.
 *
 * @throws WaybillError `child_foreign`; `token_malformed`, `token_claims` or `token_too_large` where it cannot be read.
 */
export function decodeChild(
  parent: AccessTokenClaims,
  name: string,
  compact: string,
  options: DecodeOptions = {},
): DecodedChild {
  const token = decodeToken(compact, options);
  const claims = readClaims(token.payload);
  for (const claim of ['iss', 'sub', 'txn'] as const) {
    if (claims[claim] !== parent[claim]) throw foreign(name, `differs from its parent in ${claim}`);
  }
  if (claims.exp > parent.exp) throw foreign(name, 'outlives its parent');
  return { name, token, claims, audience: audiencesOf(claims)[0] ?? '' };
}

/**
 * The child as it is sent: packed again where its parent came packed, and bare where it has no children.
 *
 * @param parent the token that carries it.
 */
export function travelling({ node }: VerifiedToken, { name, token: { compact } }: DecodedChild): string {
  const taken = node && childOf(node, name);
  // What goes out is what the parent's signature covers, however the bundle was written.
  return taken !== undefined && nestedOf(taken) === compact ? packNode(taken) : compact;
}

function foreign(name: string, what: string): WaybillError {
  return new WaybillError('child_foreign', `the token for ${JSON.stringify(name)} ${what}`);
}
