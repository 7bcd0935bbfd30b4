/** The claims that a handler sees. */

import type { AccessTokenClaims } from '../../token/index.ts';

/** What is no claim for this service: its callees' tokens, and what only the issuer can open. */
type HiddenClaim = 'embedded' | 'held';

/** The verified claims without `embedded` and `held`. (`Omit` would lose the names beside an index signature.) */
export type VisibleClaims = {
  [Claim in keyof AccessTokenClaims as Claim extends HiddenClaim ? never : Claim]: AccessTokenClaims[Claim];
};

export function visibleClaims(claims: AccessTokenClaims): VisibleClaims {
  // A member that is deleted makes an object slow and large.
  const { embedded: _, held: __, ...visible } = claims;
  return Object.freeze(visible);
}
