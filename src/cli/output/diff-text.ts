/** A comparison of two graphs as a terminal shows it. */
import type {
  Change,
  GraphDiff,
  HopChange,
  HopSize,
  Impact,
  RequestChange,
} from '../../architect/diff/index.ts';
import { paint, plain, plural } from './terminal.ts';
import { renderColumns } from './tree.ts';

const COLOURS: Readonly<Record<Impact, (text: string) => string>> = {
  widens: paint.red,
  narrows: paint.green,
  neutral: paint.dim,
};

/** Requests that are shown with their bytes. */
const SHOWN_REQUESTS = 10;
/** Hops of a request that are shown: those that grew most. */
const SHOWN_HOPS = 3;

export function diffText(diff: GraphDiff): string {
  const parts = [heading(diff)];
  for (const mark of ['widens', 'narrows', 'neutral'] as const) {
    const changes = diff.changes.filter((change) => change.mark === mark);
    if (changes.length > 0) parts.push(section(mark, changes));
  }
  const effects = [...effectSentences(diff).map((line) => `  ${plain(line)}`), ...requestLines(diff)];
  if (effects.length > 0) parts.push([paint.bold('what follows'), ...effects].join('\n'));
  return parts.join('\n\n');
}

function heading({ newer, verdict, changes }: GraphDiff): string {
  const name = paint.bold(plain(newer.name));
  if (changes.length === 0) return `${name}: no change in what is issued, and to whom.`;
  return `${name}: ${COLOURS[verdict](VERDICTS[verdict])} ${countsOf(changes)}.`;
}

export const VERDICTS: Readonly<Record<Impact, string>> = {
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

function section(mark: Impact, changes: readonly Change[]): string {
  const rows = changes.map(({ what, place }) => [`  ${plain(what)}`, paint.dim(plain(place ?? ''))]);
  return [COLOURS[mark](paint.bold(mark)), renderColumns(rows, [])].join('\n');
}

/** What follows for who reaches, reads, presents and could spend what. */
export function effectSentences({ effects: { reach, readers, callers } }: GraphDiff): string[] {
  const sentences: string[] = [];
  const tell = (names: readonly string[], sentence: (names: string) => string): void => {
    if (names.length > 0) sentences.push(sentence(names.join(', ')));
  };
  for (const { client, added, removed } of reach) {
    tell(added, (names) => `${client} now reaches ${names}`);
    tell(removed, (names) => `${client} no longer reaches ${names}`);
  }
  for (const { claim, service, added, removed } of readers) {
    tell(added, (names) => `${claim} in the tokens for ${service} can now also be read by ${names}`);
    tell(removed, (names) => `${claim} in the tokens for ${service} can no longer be read by ${names}`);
  }
  for (const { what, service, added, removed } of callers) {
    const [is, isNot] =
      what === 'callers' ? ['are now also', 'are no longer'] : ['could now also be', 'can no longer be'];
    const verb = what === 'callers' ? 'presented' : 'spent';
    tell(added, (names) => `the tokens for ${service} ${is} ${verb} by ${names}`);
    tell(removed, (names) => `the tokens for ${service} ${isNot} ${verb} by ${names}`);
  }
  return sentences;
}

function requestLines({ effects: { requests, unweighed } }: GraphDiff): string[] {
  const shown = requests.slice(0, SHOWN_REQUESTS);
  const lines = shown.flatMap((request) => [`  ${requestLine(request)}`, ...hopLines(request)]);
  const more = requests.length - shown.length;
  if (more > 0) lines.push(paint.dim(`  and ${plural(more, 'request')} more; --json has all of them`));
  if (unweighed > 0) lines.push(paint.dim(`  ${plural(unweighed, 'request')} more were not weighed.`));
  return lines;
}

function requestLine({ client, scopes, entry, tokens, depth }: RequestChange): string {
  const counts = `${changedCount(tokens)} ${tokens.newer === 1 ? 'token' : 'tokens'}, ${changedCount(depth)} ${depth.newer === 1 ? 'level' : 'levels'}`;
  return `${paint.bold(client)} asks for ${paint.cyan(scopes.join(' '))} of ${entry}: ${counts}`;
}

export function changedCount({ older, newer }: RequestChange['tokens']): string {
  return older === newer ? String(newer) : `${older} → ${newer}`;
}

function hopLines({ hops }: RequestChange): string[] {
  const shown = largest(hops);
  const rows = shown.map((hop) => [`    ${hopName(hop)}`, sizeText(hop)]);
  const more = hops.length - shown.length;
  const text = rows.length > 0 ? renderColumns(rows, []).split('\n') : [];
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
