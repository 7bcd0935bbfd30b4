/** Whom the selectors of a graph stand for, as lines. */
import type { SelectorPlan } from '../../graph/index.ts';
import { paint, plain } from './terminal.ts';

/** Names of one selector. */
const SHOWN = 8;

/** `vault:card:read  callers {zone: pci}: payment, vault` */
export function selectorLine({ party, scope, list, text, names }: SelectorPlan): string {
  const where = scope === undefined ? party : `${party}:${scope}`;
  const more = names.length > SHOWN ? [`${names.length - SHOWN} more`] : [];
  const who = [...names.slice(0, SHOWN), ...more].join(', ') || 'no one';
  return `${plain(where)}  ${paint.dim(plain(`${list} ${text}:`))} ${plain(who)}`;
}
