/** From the paths of a graph to a plan that holds: the rooms of the graph, of budgets and of exposure put together. */
import { checkBudgets, profiles } from './budget/index.ts';
import { checkExposure } from './exposure/index.ts';
import {
  heldClaimsOf,
  subjectClaimsOf,
  readGraph,
  type Finding,
  type GraphOptions,
  type Plan,
  type PlannedTree,
} from './graph/index.ts';

const KNOWN_PROFILES = new Map(
  [...profiles.values()].map(({ name, evidence }) => [name, evidence.length > 0]),
);

export interface Compiled {
  /** Absent where a finding is an error. */
  readonly plan: Plan | undefined;
  /** The plan even where sizes do not hold, to look at; absent where names or calls are in error. */
  readonly draft: Plan | undefined;
  /** All findings, by file and place. */
  readonly findings: readonly Finding[];
  /** The trees that requests can bring about, as they were checked. */
  readonly trees: readonly PlannedTree[];
  /** The files that were read. */
  readonly files: readonly string[];
}

/**
 * Checks a graph and compiles it.
 *
 * @param paths graph files, or folders of them.
 */
export function compileGraph(
  paths: readonly string[],
  options: Pick<GraphOptions, 'variables'> = {},
): Compiled {
  const { plan, measurable, trees, findings, files } = readGraph(paths, {
    ...options,
    profiles: KNOWN_PROFILES,
  });
  if (measurable && trees) {
    checkBudgets(measurable, trees, findings, {
      heldClaims: heldClaimsOf(measurable),
      subjectClaims: subjectClaimsOf(measurable),
    });
    checkExposure(measurable, trees, findings);
  }
  return {
    plan: findings.hasErrors ? undefined : plan,
    draft: plan,
    findings: findings.sorted(),
    trees: trees?.list ?? [],
    files,
  };
}
