/** The compiled package, for it is what ships that is measured: `npm run scale` builds it first. */
import type * as Budget from '../../src/planning/header-budget/index.ts';
import type * as Compile from '../../src/planning/compile.ts';
import type * as Graph from '../../src/graph/index.ts';
import type * as RequestPlan from '../../src/planning/request-plan.ts';

async function load(file: string): Promise<unknown> {
  return import(new URL(`../../dist/${file}`, import.meta.url).href);
}

export const { compileGraph } = (await load('compile.js')) as typeof Compile;
export const { Walk, resolveRequest, heldClaimsOf, subjectClaimsOf } = (await load(
  'graph/index.js',
)) as typeof Graph;
export const { Measure, signingSize, worstClaimBytes, Fitter, HopBudgets, PackedWeights } = (await load(
  'budget/index.js',
)) as typeof Budget;
export const { resolve, measureFor } = (await load('request-plan.js')) as typeof RequestPlan;
