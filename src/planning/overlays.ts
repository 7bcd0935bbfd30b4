/** What overlays change, for people: each change with its place, and what it does to authority. */
import { getOrAdd } from '../get-or-add.ts';
import { toValue, type Findings, type OverlaidGraph, type Plan, type Restatement } from '../graph/index.ts';

export interface OverlayView {
  readonly file: string;
  readonly changes: readonly OverlayChange[];
}

/** One value that an overlay gives, adds or takes away. */
export interface OverlayChange {
  /** The keys that lead to it: `services`, `cart`, `caller`. */
  readonly path: readonly string[];
  /** Absent: there was none. */
  readonly old?: unknown;
  /** Absent: it is taken away. */
  readonly new?: unknown;
  /** Absent: nobody judged it. */
  readonly impact?: OverlayImpact['impact'];
  /** Of the key in the overlay; 1-based. */
  readonly line: number;
  readonly column: number;
}

/** What a change of an overlay does to authority. */
export interface OverlayImpact {
  readonly impact: 'widens' | 'narrows' | 'neutral';
  /** What widens, in sentences. */
  readonly reasons: readonly string[];
}

/** A graph between the changes of its overlays. */
export interface OverlayPlans {
  /** How many changes there are. */
  readonly changes: number;
  /**
   * The graph with only the first of the changes, without what nothing declares in it; undefined where its calls are a cycle or
   * contradict each other.
   */
  readonly planAfter: (changes: number) => Plan | undefined;
}

/** @returns an impact for each change, in the same order. */
export type JudgeOverlays = (plans: OverlayPlans) => readonly OverlayImpact[];

/**
 * @param plan of the graph with all changes.
 * @param judge adds a finding for each change that widens.
 */
export function describeOverlays(
  overlaid: OverlaidGraph,
  plan: Plan,
  judge: JudgeOverlays | undefined,
  findings: Findings,
): OverlayView[] {
  const changes = overlaid.changes.length;
  const planAfter = (count: number) => (count >= changes ? plan : overlaid.planAfter(count));
  const impacts = judge?.({ changes, planAfter }) ?? [];
  const files = new Map<string, OverlayChange[]>();
  for (const file of overlaid.files) files.set(file, []);
  overlaid.changes.forEach((change, index) => {
    const impact = impacts[index];
    const { source, offset } = change.at;
    if (impact?.impact === 'widens') reportWidening(change, impact, findings);
    getOrAdd(files, source.file, () => []).push({
      path: change.path,
      ...(change.old && { old: toValue(change.old) }),
      ...(change.new && { new: toValue(change.new) }),
      ...(impact && { impact: impact.impact }),
      ...source.locate(offset),
    });
  });
  return [...files].map(([file, each]) => ({ file, changes: each }));
}

/** Sentences that the finding repeats. */
const SHOWN = 3;

function reportWidening(change: Restatement, { reasons }: OverlayImpact, findings: Findings): void {
  const more = reasons.length - SHOWN;
  const shown = [...reasons.slice(0, SHOWN), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
  findings.add(
    'overlay-widens',
    change.at,
    `The overlay ${inWords(change)}, which widens authority: ${shown}.`,
    'If that is meant, accept it with the reason under `accepted` in the overlay; otherwise take it out.',
  );
}

function inWords({ path, old, new: given }: Restatement): string {
  const what = path.join('.');
  if (!given) return `removes ${what}`;
  return old ? `changes ${what}` : `adds ${what}`;
}
