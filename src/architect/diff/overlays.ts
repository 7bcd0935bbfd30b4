/** What each change of an overlay does to authority. In: the graph after each change. Out: one impact for each. */
import { isWaybillError } from '../../errors.ts';
import type { Plan } from '../../graph/index.ts';
import type { OverlayImpact, OverlayPlans } from '../../planning/index.ts';
import { diffGraphs } from './diff.ts';

/** Comparisons of one graph. Beyond that, several changes share one. */
const MOST = 64;
/** Scopes in all compared graphs together: a large graph takes a second to compare. */
const MOST_SCOPES = 50_000;

/**
 * Says what each change of the overlays does to authority: it compares the graph before the change with the graph after it, in
 * the order in which overlays apply. So a change is also judged together with earlier overlays. Changes of a large graph
 * share comparisons, and each then counts as all of them do. For `CompileOptions.judgeOverlays`.
 *
 * @returns `widens`, with sentences that say what does, where a change gives somebody more or something else, and where the
 *   graph without it cannot be compared; else `narrows` or `neutral`.
 *
 * @example
 * ```ts
 * import { compileGraph, judgeOverlays } from 'waybill';
 *
 * const { overlays } = compileGraph(['shop', 'env/prod.yaml'], { judgeOverlays });
 * for (const { file, changes } of overlays)
 *   for (const { path, impact } of changes) console.log(`${file} ${path.join('.')}: ${impact}`);
 * ```
 */
export function judgeOverlays({ changes, planAfter }: OverlayPlans): readonly OverlayImpact[] {
  const impacts: OverlayImpact[] = [];
  let before = planAfter(0);
  const step = Math.ceil(changes / comparisonsOf(before));
  for (let at = step; impacts.length < changes; at += step) {
    const after = planAfter(at);
    const impact = impactBetween(before, after);
    // A graph that cannot be compared is left out: the next one is compared with the one before it.
    if (!impact && before && at < changes) continue;
    while (impacts.length < Math.min(at, changes)) impacts.push(impact ?? UNKNOWN);
    before = after;
  }
  return impacts;
}

function comparisonsOf(plan: Plan | undefined): number {
  let scopes = 1;
  for (const service of plan?.services.values() ?? []) scopes += service.scopes.size;
  return Math.max(1, Math.min(MOST, Math.floor(MOST_SCOPES / scopes)));
}

const UNKNOWN: OverlayImpact = {
  impact: 'widens',
  reasons: ['the graph without this change cannot be compared with the graph that has it'],
};

function impactBetween(before: Plan | undefined, after: Plan | undefined): OverlayImpact | undefined {
  if (!before || !after) return undefined;
  try {
    const { verdict, changes } = diffGraphs(before, after);
    return {
      impact: verdict,
      reasons: changes.flatMap(({ mark, what }) => (mark === 'widens' ? [what] : [])),
    };
  } catch (error) {
    if (!isWaybillError(error, 'graph_invalid')) throw error;
    return undefined;
  }
}
