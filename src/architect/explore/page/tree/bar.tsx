/** Shows the share of the header budget that a token uses. */
import type { JSX } from 'preact';
import type { CallView } from '../../../../planning/index.ts';
import { weightOf } from '../request/planned.ts';
import { bytesText, percentText } from '../text.ts';

const TIGHT = 0.8;

export function standing({ budget }: CallView, share: number): 'fits' | 'tight' | 'over' {
  return budget?.fits === false ? 'over' : share > TIGHT ? 'tight' : 'fits';
}

export function Bar({ view }: { view: CallView }): JSX.Element | null {
  const weight = weightOf(view);
  const { budget } = view;
  if (!weight || !budget) return null;
  const state = standing(view, weight.share);
  const limit = budget.limit === null ? 'no limit known' : `of ${bytesText(budget.limit)} B`;
  const width = budget.limit === null ? 0 : Math.min(100, Math.max(2, weight.share * 100));
  return (
    <span class={`weight ${state}`} title={budget.profile ?? undefined}>
      <span class="bar" aria-hidden="true">
        <span class="fill" style={{ width: `${width}%` }} />
      </span>
      <span class="numbers">
        <b>{bytesText(weight.bytes)} B</b> <span class="muted">{limit}</span>
        <span class="share">
          {budget.limit === null ? '' : state === 'over' ? 'does not fit' : percentText(weight.share)}
        </span>
      </span>
    </span>
  );
}
