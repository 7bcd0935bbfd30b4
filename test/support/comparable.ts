/** A token with its whole subtree, without what every issuing makes anew: two of one meaning come out equal. */
import { decodeJwt, decodeProtectedHeader } from 'jose';

import { openHeld, type HeldKey } from '../../src/token/index.ts';

/** @returns the claims but `jti`, `iat` and `exp`; `held` as what it holds, children likewise. */
export async function comparable(
  compact: string,
  keys: readonly HeldKey[],
): Promise<Record<string, unknown>> {
  const { jti: _jti, iat: _iat, exp: _exp, held, embedded, ...rest } = decodeJwt(compact);
  const children = await Promise.all(
    Object.entries((embedded ?? {}) as Record<string, string>).map(
      async ([name, child]) => [name, await comparable(child, keys)] as const,
    ),
  );
  return {
    header: decodeProtectedHeader(compact),
    members: Object.keys(decodeJwt(compact)),
    ...rest,
    ...(held === undefined ? {} : { held: await openHeld(held, keys) }),
    embedded: Object.fromEntries(children),
  };
}
