/** Header budgets: what hops accept, what tokens weigh, where the two do not fit. */
export { checkBudgets } from './check.ts';
export {
  adviseFit,
  type FitAdvice,
  type LargestPart,
  type ProfileFit,
  type Standing,
  type WhatIf,
} from './advice.ts';
export { bytesIn, type Coding } from './coding.ts';
export { HopBudgets, fits, type HopBudget } from './hop.ts';
export {
  KID_CHARS,
  Measure,
  onDemandOf,
  signingSize,
  worstClaimBytes,
  worstConfirmation,
  worstSubject,
  DEFAULT_CLAIM_BYTES,
  type ClaimBytes,
  type HeldClaims,
  type MeasuredBranch,
  type MeasuredToken,
  type SigningSize,
} from './measure.ts';
export { firstMisfit, type Misfit, type PackedRooms } from './misfit.ts';
export { PackedWeights, type TokenWeights } from './packed-weights.ts';
export { PackedSizes } from './packed-sizes.ts';
export { Fitter, type Fitted, type MovedCall } from './planner/fit.ts';
export { PROFILES_READ, profiles, type Profile } from './profiles.ts';
