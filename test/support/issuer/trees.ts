/** Takes trees apart with nothing but base64url and JSON. */
import { expect } from 'chai';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { JWTPayload } from 'jose';

import type { Actor } from '../../../src/graph/index.ts';
import { decryptDeferredClaims, type DeferredClaimsKey } from '../../../src/token/index.ts';

export type Payload = JWTPayload & {
  readonly scope: string;
  readonly client_id: string;
  readonly txn: string;
  readonly act?: Actor;
  readonly embedded?: Readonly<Record<string, string>>;
  readonly on_demand?: Readonly<Record<string, string>>;
  readonly held?: string;
};

/** One token of a tree, decoded. */
export interface IssuedToken {
  /** Names from the root down to it; empty for the root. */
  readonly path: readonly string[];
  readonly compact: string;
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Payload;
  readonly parent: IssuedToken | undefined;
}

/** All tokens of a tree, each before those that it embeds. */
export function tokensOf(compact: string, path: readonly string[] = [], parent?: IssuedToken): IssuedToken[] {
  const token: IssuedToken = {
    path,
    compact,
    header: { ...decodeProtectedHeader(compact) },
    payload: decodeJwt<Payload>(compact),
    parent,
  };
  const children = Object.entries(token.payload.embedded ?? {});
  return [token, ...children.flatMap(([name, child]) => tokensOf(child, [...path, name], token))];
}

/** The token at the end of a path of callees. */
export function tokenAt(root: string, ...path: readonly string[]): IssuedToken {
  const found = tokensOf(root).find((token) => token.path.join(' ') === path.join(' '));
  expect(found, `a token at ${path.join(' → ')}`).to.not.equal(undefined);
  return found as IssuedToken;
}

const ANEW = ['jti', 'iat', 'exp'];

/**
 * A token with its whole subtree, without what every issuing makes anew: two of one meaning come out equal.
 *
 * @param more claims that are left out as well: `txn` for tokens of two trees.
 * @returns the claims but `jti`, `iat` and `exp`, and their order; `held` as what it holds, children likewise.
 */
export async function comparable(
  compact: string,
  keys: readonly DeferredClaimsKey[],
  ...more: readonly string[]
): Promise<Record<string, unknown>> {
  const claims = decodeJwt(compact);
  const { held, embedded = {} } = claims as { held?: unknown; embedded?: Record<string, string> };
  const children = await Promise.all(
    Object.entries(embedded).map(
      async ([name, child]) => [name, await comparable(child, keys, ...more)] as const,
    ),
  );
  const rest = Object.entries(claims).filter(([name]) => !ANEW.includes(name) && !more.includes(name));
  return {
    header: decodeProtectedHeader(compact),
    members: Object.keys(claims),
    ...Object.fromEntries(rest),
    held: await decryptDeferredClaims(held, keys),
    embedded: Object.fromEntries(children),
  };
}
