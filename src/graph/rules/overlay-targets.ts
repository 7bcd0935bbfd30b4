/** An overlay restates what ordinary files declare, and declares nothing itself: most names that nothing declares are typing errors. */
import type { Findings } from '../finding.ts';
import type { Unmatched } from '../load/overlays/apply.ts';
import { KINDS } from '../load/overlays/levels.ts';
import { pointerTo } from '../misread.ts';
import { didYouMean, nearest } from '../names.ts';

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
    const meant = nearest(name, known.keys());
    findings.markMisread(pointerTo(...path.slice(0, -1), ...(meant === undefined ? [] : [meant])));
  }
}
