/** The claims that a handler sees. */

import { ownText } from '../own-text.ts';
import type { AccessTokenClaims } from '../token/index.ts';

/** What is no claim for this service: its callees' tokens, and what only the issuer can open. */
type HiddenClaim = 'embedded' | 'held';

/** The verified claims without `embedded` and `held`. (`Omit` would lose the names beside an index signature.) */
export type VisibleClaims = {
  [Claim in keyof AccessTokenClaims as Claim extends HiddenClaim ? never : Claim]: AccessTokenClaims[Claim];
};

/** @returns a frozen object that keeps nothing else of the token alive. */
export function visibleClaims(claims: AccessTokenClaims): VisibleClaims {
  // A member that is deleted makes an object slow and large.
  const { embedded: _, held: __, ...visible } = claims;
  const owned: Record<string, unknown> = visible;
  for (const [name, value] of Object.entries(owned)) {
    // A text of a packed token is a piece of its bundle. What lies deeper comes from JSON.parse, which copies.
    if (typeof value === 'string') owned[name] = ownText(value);
  }
  return Object.freeze(visible);
}
