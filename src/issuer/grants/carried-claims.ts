/**
 * Collects the claims of the user and of the request in a subject token, for the tree of one callee. A token defers claims (`held`) for callees on
 * demand, but not for embedded ones: their tokens are inside it, and its signature covers them.
 */
import {
  decodeChild,
  isSealed,
  namedEntry,
  decryptDeferredClaims,
  type AccessTokenClaims,
  type DeferredClaims,
  type DeferredClaimsKey,
} from '../../token/index.ts';

/** Values by the names of the claims. */
export type CarriedClaims = ReadonlyMap<string, unknown>;

/**
 * Collects the claims of a verified token: its own, those in its `held`, and those of the token that it embeds for
 * the callee, with all that this one embeds. If several have a claim, the first one counts.
 *
 * @param claims of a token that this issuer has signed, and so all that it embeds.
 * @param own what its own `held` has.
 * @param callee the callee whose token is fetched. Tokens embedded for other callees are not read.
 * @throws WaybillError `token_claims` where a `held` cannot be opened; as `decodeChild` for what is embedded.
 */
export async function carriedClaims(
  claims: AccessTokenClaims,
  own: DeferredClaims,
  callee: string,
  heldKeys: readonly DeferredClaimsKey[],
): Promise<CarriedClaims> {
  const carried = new Map<string, unknown>();
  for (const token of [claims, ...embeddedFor(claims, callee)]) {
    const { claims: deferred } =
      token === claims ? own : await decryptDeferredClaims(token['held'], heldKeys);
    for (const source of [token, deferred]) {
      for (const [name, value] of Object.entries(source)) if (!carried.has(name)) carried.set(name, value);
    }
  }
  return carried;
}

/** The tokens embedded for a callee, parents first. Being base64url, each is a quarter shorter than its parent. */
function embeddedFor(root: AccessTokenClaims, callee: string): AccessTokenClaims[] {
  const found: AccessTokenClaims[] = [];
  const child = namedEntry(root.embedded, callee);
  const open = child === undefined ? [] : [{ parent: root, name: callee, compact: child }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { parent, name, compact } = next;
    // Only its service can open it; what it needs is among the deferred claims of its parent.
    if (isSealed(compact)) continue;
    const { claims } = decodeChild(parent, name, compact, { maxBytes: compact.length });
    found.push(claims);
    for (const [below, token] of Object.entries(claims.embedded ?? {}))
      open.push({ parent: claims, name: below, compact: token });
  }
  return found;
}
