/** The claims that a handler sees. */

import type { AccessTokenClaims } from '../token/index.ts';

/** What is no claim for this service: its callees' tokens, and what only the issuer can open. */
const HIDDEN_CLAIMS = ['embedded', 'held'] as const;
type HiddenClaim = (typeof HIDDEN_CLAIMS)[number];

/** The verified claims without `embedded` and `held`. (`Omit` would lose the names beside an index signature.) */
export type VisibleClaims = {
  [Claim in keyof AccessTokenClaims as Claim extends HiddenClaim ? never : Claim]: AccessTokenClaims[Claim];
};

export function visibleClaims(claims: AccessTokenClaims): VisibleClaims {
  const visible: Record<string, unknown> = { ...claims };
  for (const claim of HIDDEN_CLAIMS) delete visible[claim];
  return Object.freeze(visible) as VisibleClaims;
}
