/** A token with its whole subtree, without what every issuing makes anew: two of one meaning come out equal. */
import { decodeJwt, decodeProtectedHeader } from 'jose';

import { decryptDeferredClaims, type DeferredClaimsKey } from '../../../src/token/index.ts';

const ANEW = ['jti', 'iat', 'exp'];

/**
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
