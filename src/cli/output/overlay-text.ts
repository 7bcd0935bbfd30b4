/** What an overlay changes, as lines: the key, the old and the new value, and what that does to authority. */
import type { OverlayChange, OverlayView } from '../../planning/index.ts';
import { paint, plain, plural } from './terminal.ts';

/** Changes of one overlay; JSON has all. */
const SHOWN = 40;
const VALUE_LENGTH = 60;

export function overlayText({ file, changes }: OverlayView): string {
  const head = `${paint.bold(plain(file))}  ${paint.dim(`overlay, ${plural(changes.length, 'change')}`)}`;
  const lines = changes.slice(0, SHOWN).map((change) => {
    const impact = (change.impact ?? '').padEnd(IMPACT_LENGTH);
    return `  ${change.impact === 'widens' ? paint.yellow(impact) : paint.dim(impact)}  ${plain(change.path.join('.'))}: ${valuesOf(change)}`;
  });
  const more = changes.length - SHOWN;
  return [head, ...lines, ...(more > 0 ? [`  and ${plural(more, 'change')} more`] : [])].join('\n');
}

const IMPACT_LENGTH = 'narrows'.length;

function valuesOf(change: OverlayChange): string {
  const old = 'old' in change ? shortened(change.old) : 'nothing';
  return `${old} → ${'new' in change ? shortened(change.new) : 'removed'}`;
}

function shortened(value: unknown): string {
  const text = plain(JSON.stringify(value));
  return text.length > VALUE_LENGTH ? `${text.slice(0, VALUE_LENGTH - 1)}…` : text;
}
