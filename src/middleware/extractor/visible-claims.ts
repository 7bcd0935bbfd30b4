/** The claims that a handler sees. */

import type { AccessTokenClaims } from '../../token/index.ts';

/**
 * The verified claims without what is no claim for this service: its callees' tokens in `embedded`, and `held`, which only
 * the issuer can open. (`Omit` would lose the names beside an index signature.)
 */
export type VisibleClaims = {
  [
    Claim in keyof AccessTokenClaims as Claim extends 'embedded' | 'held' ? never : Claim
  ]: AccessTokenClaims[Claim];
};

export function visibleClaims(claims: AccessTokenClaims): VisibleClaims {
  // A member that is deleted makes an object slow and large.
  const { embedded: _, held: __, ...visible } = claims;
  return Object.freeze(visible);
}
