/** Compiles a graph: reads it, checks header budgets and access, and returns its plan and findings. */
import { systemClock, type Clock } from '../clock.ts';
import { checkBudgets, profiles } from './header-budget/index.ts';
import { checkAccess } from './access/index.ts';
import { describeOverlays, type JudgeOverlays, type OverlayView } from './overlays.ts';
import {
  KnownFiles,
  mergeCauses,
  readGraph,
  type AcceptedFinding,
  type Finding,
  type FindingCode,
  type Plan,
  type PlannedTree,
} from '../graph/index.ts';

const KNOWN_PROFILES = new Map(
  [...profiles.values()].map(({ name, evidence }) => [name, evidence.length > 0]),
);

/** The outcome of compiling a graph: the plan if nothing is in error, and what was found. */
export interface Compiled {
  /** Absent where a finding is an error. */
  readonly plan: Plan | undefined;
  /** The plan even if a budget is exceeded, to look at; absent if names or calls are in error. */
  readonly draft: Plan | undefined;
  /** All findings that stand, one for each cause, by file and first place. */
  readonly findings: readonly Finding[];
  /**
   * Kinds of findings that were not made, or not given, because of an error: they may only follow from it. Empty without
   * errors.
   */
  readonly leftOut: readonly FindingCode[];
  /** Warnings that the graph accepts, as of today. */
  readonly accepted: readonly AcceptedFinding[];
  /** The trees that requests can bring about, as they were checked. */
  readonly trees: readonly PlannedTree[];
  /** The files that were read. */
  readonly files: readonly string[];
  /** The overlays that were applied, in this order, and what each changed. Empty where names or calls are in error. */
  readonly overlays: readonly OverlayView[];
}

export interface CompileOptions {
  /** Values for `vars`, over those in the files. */
  readonly variables?: ReadonlyMap<string, string>;
  /**
   * Whether the issuer may have an http URL on another host than loopback, with the warning `http-issuer`: inside a mesh
   * whose proxies encrypt. Default: no.
   */
  readonly allowHttpIssuer?: boolean;
  /** Says which calls and acceptances have ended. Default: the system's. */
  readonly clock?: Clock;
  /**
   * Says what overlays change in authority: the function of this name. Default: nothing does, so that there is no impact
   * of changes and no warning `overlay-widens`.
   */
  readonly judgeOverlays?: JudgeOverlays;
}

/**
 * Checks a graph and compiles it.
 *
 * @param paths graph files, or folders of them; and overlays, which are applied in this order.
 *
 * @example
 * ```ts
 * import { compileGraph } from 'waybill';
 *
 * const { plan, findings } = compileGraph(['graphs/online-boutique.yaml']);
 * for (const { file, line, code, message } of findings) console.log(`${file}:${line} ${code}: ${message}`);
 * if (!plan) process.exit(1);
 * ```
 */
export function compileGraph(
  paths: readonly string[],
  { clock = systemClock, judgeOverlays, ...options }: CompileOptions = {},
): Compiled {
  const now = clock();
  const { plan, measurable, trees, findings, acceptances, files, overlaid } = readGraph(paths, {
    ...options,
    now,
    profiles: KNOWN_PROFILES,
  });
  if (measurable && trees) {
    checkBudgets(measurable, trees, findings);
    checkAccess(measurable, trees, findings);
  }
  const overlays = plan && overlaid ? describeOverlays(overlaid, plan, judgeOverlays, findings) : [];
  if (overlaid && judgeOverlays && !plan) findings.leaveOut('overlay-widens');
  const unjudged = judgeOverlays ? [] : (['overlay-widens'] as const);
  const { open, accepted } = acceptances?.apply(findings, now, unjudged) ?? {
    open: mergeCauses(findings.sorted()),
    accepted: [],
  };
  return {
    plan: findings.hasErrors ? undefined : plan,
    draft: plan,
    findings: open,
    leftOut: findings.leftOut,
    accepted,
    trees: trees?.list ?? [],
    files,
    overlays,
  };
}

/**
 * Compiles a graph no further than to a plan that may break limits: trees, budgets and access are not looked at. A large
 * graph takes half the time.
 *
 * @param known files of a graph that was compiled before: those of the same text are not read again, and places in them name
 *   the file of the first.
 * @returns findings only where there is no plan; then they are those of `compileGraph`.
 */
export function compileDraft(
  paths: readonly string[],
  options: CompileOptions = {},
  known = new KnownFiles(),
): Pick<Compiled, 'draft' | 'findings' | 'leftOut'> {
  const now = (options.clock ?? systemClock)();
  const { plan } = readGraph(paths, { ...options, now, profiles: KNOWN_PROFILES, withoutTrees: true, known });
  return plan ? { draft: plan, findings: [], leftOut: [] } : compileGraph(paths, options);
}
