/** Plans what a graph issues, before anything is signed. */

export { compileDraft, compileGraph, type CompileOptions, type Compiled } from './compile.ts';
export {
  type JudgeOverlays,
  type OverlayChange,
  type OverlayImpact,
  type OverlayPlans,
  type OverlayView,
} from './overlays.ts';
export { adviseRequest, type RequestFit } from './request-fit.ts';
export { analyzeAccess, type RequestAccess } from './request-access.ts';
export {
  everyHopFits,
  planRequest,
  type CallView,
  type OverflowView,
  type RequestPlan,
} from './request-plan.ts';
export { planTree, resolve, sizedTokens, type PlannedRequest } from './planned-request.ts';
export { stepUpText, withheldText, type WithheldCall } from './withheld-calls.ts';
export { everyRequest, type RequestRow } from './request-table.ts';
export { atOnce, inSlices, type Steps } from './slices.ts';
