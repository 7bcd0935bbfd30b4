/** An overlay restates what ordinary files declare, and declares nothing itself: most names that nothing declares are typing errors. */
import type { Findings } from '../finding.ts';
import type { Unmatched } from '../load/overlays/apply.ts';
import { KINDS } from '../load/overlays/levels.ts';
import { pointerTo } from '../misread.ts';
import { didYouMean, nearest } from '../names.ts';

/** Names for which the one that was meant is looked for. */
const MOST_MEANT = 100;

export function checkOverlayTargets(unmatched: readonly Unmatched[], findings: Findings): void {
  for (const { path, at, known } of unmatched) {
    const [name = '', section = ''] = [path.at(-1), path.at(-2)];
    const holder = path.slice(1, -2).filter((_, index) => index % 2 === 0);
    const of = holder.length > 0 ? ` of ${holder.join(':')}` : '';
    findings.add(
      'overlay-unmatched',
      at,
      `No ordinary file declares the ${KINDS[section] ?? 'variable'} ${name}${of}, so no overlay can restate it.`,
      () =>
        didYouMean(name, known.keys()) ||
        'Declare it in an ordinary file. If only this environment has it, name that file for this environment alone.',
      [pointerTo(...path)],
    );
  }
  // After all of them, since each could be the cause of another.
  if (unmatched.length > MOST_MEANT) findings.markMisread('');
  for (const { path, known } of unmatched.slice(0, MOST_MEANT)) {
    const meant = nearest(path.at(-1) ?? '', known.keys());
    findings.markMisread(pointerTo(...path.slice(0, -1), ...(meant === undefined ? [] : [meant])));
  }
}
