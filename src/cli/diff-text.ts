/** A comparison of two graphs as a terminal shows it. */
import type { Change, GraphDiff, HopChange, HopSize, Mark, RequestChange } from '../index.ts';
import { paint, plain, plural } from './terminal.ts';
import { alignRows } from './tree.ts';

const COLOURS: Readonly<Record<Mark, (text: string) => string>> = {
  widens: paint.red,
  narrows: paint.green,
  neutral: paint.dim,
};

/** Hops of a request that are shown: those that grew most. */
const SHOWN_HOPS = 3;

export function diffText(diff: GraphDiff): string {
  const parts = [heading(diff)];
  for (const mark of ['widens', 'narrows', 'neutral'] as const) {
    const changes = diff.changes.filter((change) => change.mark === mark);
    if (changes.length > 0) parts.push(section(mark, changes));
  }
  const effects = [...reachLines(diff), ...requestLines(diff)];
  if (effects.length > 0) parts.push([paint.bold('what follows'), ...effects].join('\n'));
  return parts.join('\n\n');
}

function heading({ newer, verdict, changes }: GraphDiff): string {
  const name = paint.bold(plain(newer.name));
  if (changes.length === 0) return `${name}: no change in what is issued, and to whom.`;
  return `${name}: ${COLOURS[verdict](VERDICTS[verdict])} ${countsOf(changes)}.`;
}

export const VERDICTS: Readonly<Record<Mark, string>> = {
  widens: 'wider than before.',
  narrows: 'narrower than before.',
  neutral: 'the same trees as before, for the same clients.',
};

export function countsOf(changes: readonly Change[]): string {
  return (['widens', 'narrows', 'neutral'] as const)
    .map((mark) => [mark, changes.filter((change) => change.mark === mark).length] as const)
    .filter(([, count]) => count > 0)
    .map(([mark, count]) =>
      mark === 'neutral'
        ? `${count} neutral`
        : plural(count, 'change') + ` ${mark.replace(/s$/, count === 1 ? 's' : '')}`,
    )
    .join(', ');
}

function section(mark: Mark, changes: readonly Change[]): string {
  const rows = changes.map(({ what, place }) => [`  ${plain(what)}`, paint.dim(plain(place ?? ''))]);
  return [COLOURS[mark](paint.bold(mark)), alignRows(rows, [])].join('\n');
}

function reachLines({ effects: { reach } }: GraphDiff): string[] {
  return reach.flatMap(({ client, added, removed }) => [
    ...(added.length > 0 ? [`  ${paint.bold(client)} now reaches ${plain(added.join(', '))}`] : []),
    ...(removed.length > 0 ? [`  ${paint.bold(client)} no longer reaches ${plain(removed.join(', '))}`] : []),
  ]);
}

function requestLines({ effects: { requests, unweighed } }: GraphDiff): string[] {
  const lines = requests.flatMap((request) => [`  ${requestLine(request)}`, ...hopLines(request)]);
  if (unweighed > 0) lines.push(paint.dim(`  ${plural(unweighed, 'request')} more were not weighed.`));
  return lines;
}

function requestLine({ client, scopes, entry, tokens, depth }: RequestChange): string {
  const counts =
    tokens.older === tokens.newer && depth.older === depth.newer
      ? plural(tokens.newer, 'token')
      : `${tokens.older} → ${plural(tokens.newer, 'token')}, ${depth.older} → ${plural(depth.newer, 'level')}`;
  return `${paint.bold(client)} asks for ${paint.cyan(scopes.join(' '))} of ${entry}: ${counts}`;
}

function hopLines({ hops }: RequestChange): string[] {
  const shown = largest(hops);
  const rows = shown.map((hop) => [`    ${hopName(hop)}`, sizeText(hop)]);
  const more = hops.length - shown.length;
  const text = rows.length > 0 ? alignRows(rows, []).split('\n') : [];
  return more > 0 ? [...text, paint.dim(`    and ${plural(more, 'hop')} more`)] : text;
}

/** What changed most, in bytes; of equal ones the first. */
export function largest(hops: readonly HopChange[], most = SHOWN_HOPS): readonly HopChange[] {
  const by = ({ older, newer }: HopChange): number => Math.abs((newer?.bytes ?? 0) - (older?.bytes ?? 0));
  return hops.toSorted((one, other) => by(other) - by(one)).slice(0, most);
}

export function hopName({ path }: HopChange): string {
  return plain(path.slice(-2).join(' -> '));
}

export function sizeText({ older, newer }: HopChange): string {
  if (!older && newer) return `new, ${withRoom(newer)}`;
  if (older && !newer) return `gone, ${older.bytes.toLocaleString('en')} B`;
  if (!older || !newer) return '';
  if (older.bytes === newer.bytes)
    return `${newer.bytes.toLocaleString('en')} B, room ${room(older)} → ${room(newer)}`;
  return `${older.bytes.toLocaleString('en')} → ${withRoom(newer)}`;
}

function withRoom(size: HopSize): string {
  return `${size.bytes.toLocaleString('en')} B of ${room(size)}`;
}

function room({ limit }: HopSize): string {
  return limit === null ? 'no known limit' : limit.toLocaleString('en');
}
