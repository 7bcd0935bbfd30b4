/** The compiled package, for it is what ships that is measured: `npm run scale` builds it first. */
import type * as Budget from '../../src/planning/header-budget/index.ts';
import type * as Compile from '../../src/planning/compile.ts';
import type * as Graph from '../../src/graph/index.ts';
import type * as PlannedRequest from '../../src/planning/planned-request.ts';

async function load(file: string): Promise<unknown> {
  return import(new URL(`../../dist/${file}`, import.meta.url).href);
}

export const { compileGraph } = (await load('planning/compile.js')) as typeof Compile;
export const { Walk, resolveRequest, heldClaimsOf, carriedClaimsOf } = (await load(
  'graph/index.js',
)) as typeof Graph;
export const {
  Measure,
  signingSize,
  worstCaseOf,
  worstClaimBytes,
  HopBudgets,
  PackedWeights,
  TreePlanner,
  planOverflow,
} = (await load('planning/header-budget/index.js')) as typeof Budget;
export const { resolve } = (await load('planning/planned-request.js')) as typeof PlannedRequest;
