/** Header budgets: how large a token each hop accepts, how large tokens are, and what to do where they do not fit. */
export { checkBudgets } from './check.ts';
export { adviseFit, type FitAdvice, type LargestPart, type ProfileFit, type WhatIf } from './advice.ts';
export { type Coding } from './coding.ts';
export { HopBudgets, fits, type HopBudget } from './hop-budgets.ts';
export { type BudgetViolation } from './budget-violation.ts';
export {
  Measure,
  onDemandOf,
  signingSize,
  type HeldClaims,
  type MeasuredToken,
  type SigningSize,
} from './measure.ts';
export { PackedWeights, type TokenWeights } from './packed-weights.ts';
export { PackedSizes } from './packed-sizes.ts';
export { planOverflow, type Overflow } from './planner/overflow.ts';
export type { Counting } from './counting.ts';
export { PROFILES_READ, profiles, type Evidence, type Profile } from './profiles.ts';
export { TreePlanner, type TreePlan } from './tree-planner.ts';
export { type ClaimBytes } from './measure.ts';
export { worstCaseOf, worstClaimBytes, worstConfirmation, worstSubject } from './worst-case.ts';
