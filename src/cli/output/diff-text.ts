/** Renders a comparison of two graphs for a terminal. */
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

/** Requests listed with their sizes. */
const SHOWN_REQUESTS = 10;
/** Calls listed for a request: those whose size changed most. */
const SHOWN_HOPS = 3;

export function diffText(diff: GraphDiff): string {
  const parts = [heading(diff)];
  for (const mark of ['widens', 'narrows', 'neutral'] as const) {
    const changes = diff.changes.filter((change) => change.mark === mark);
    if (changes.length > 0) parts.push(section(mark, changes));
  }
  const effects = [...effectSentences(diff).map((line) => `  ${plain(line)}`), ...requestLines(diff)];
  if (effects.length > 0) parts.push([paint.bold('effects'), ...effects].join('\n'));
  return parts.join('\n\n');
}

function heading({ newer, verdict, changes }: GraphDiff): string {
  const name = paint.bold(plain(newer.name));
  if (changes.length === 0) return `${name}: the graphs issue the same tokens to the same parties.`;
  return `${name}: ${COLOURS[verdict](VERDICTS[verdict])} ${countsOf(changes)}.`;
}

export const VERDICTS: Readonly<Record<Impact, string>> = {
  widens: 'gives more than before.',
  narrows: 'gives less than before.',
  neutral: 'gives the same as before.',
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

/** Effects on who reaches, reads, presents and could use what. */
export function effectSentences({ effects: { reach, readers, callers } }: GraphDiff): string[] {
  const sentences: string[] = [];
  const add = (names: readonly string[], sentence: (names: string) => string): void => {
    if (names.length > 0) sentences.push(sentence(names.join(', ')));
  };
  for (const { client, added, removed } of reach) {
    add(added, (names) => `${client} now reaches ${names}`);
    add(removed, (names) => `${client} no longer reaches ${names}`);
  }
  for (const { claim, service, added, removed } of readers) {
    add(added, (names) => `${names} can now also read ${claim} in the tokens for ${service}`);
    add(removed, (names) => `${names} can no longer read ${claim} in the tokens for ${service}`);
  }
  for (const { what, service, added, removed } of callers) {
    const [is, isNot] =
      what === 'callers' ? ['are now also', 'are no longer'] : ['could now also be', 'can no longer be'];
    const verb = what === 'callers' ? 'presented' : 'used';
    add(added, (names) => `the tokens for ${service} ${is} ${verb} by ${names}`);
    add(removed, (names) => `the tokens for ${service} ${isNot} ${verb} by ${names}`);
  }
  return sentences;
}

function requestLines({ effects: { requests, unweighed } }: GraphDiff): string[] {
  const shown = requests.slice(0, SHOWN_REQUESTS);
  const lines = shown.flatMap((request) => [`  ${requestLine(request)}`, ...hopLines(request)]);
  const more = requests.length - shown.length;
  if (more > 0) lines.push(paint.dim(`  and ${plural(more, 'request')} more; --json has all of them`));
  if (unweighed > 0) lines.push(paint.dim(`  ${plural(unweighed, 'request')} more were not measured.`));
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
  return more > 0 ? [...text, paint.dim(`    and ${plural(more, 'call')} more`)] : text;
}

/** The calls whose size changed most; of equal ones the first. */
export function largest(hops: readonly HopChange[], most = SHOWN_HOPS): readonly HopChange[] {
  const by = ({ older, newer }: HopChange): number => Math.abs((newer?.bytes ?? 0) - (older?.bytes ?? 0));
  return hops.toSorted((one, other) => by(other) - by(one)).slice(0, most);
}

export function hopName({ path }: HopChange): string {
  return plain(path.slice(-2).join(' -> '));
}

export function sizeText({ older, newer }: HopChange): string {
  if (!older && newer) return `new, ${withLimit(newer)}`;
  if (older && !newer) return `gone, ${older.bytes.toLocaleString('en')} B`;
  if (!older || !newer) return '';
  if (older.bytes === newer.bytes)
    return `${newer.bytes.toLocaleString('en')} B, header budget ${limitText(older)} → ${limitText(newer)}`;
  return `${older.bytes.toLocaleString('en')} → ${withLimit(newer)}`;
}

function withLimit(size: HopSize): string {
  return `${size.bytes.toLocaleString('en')} B of ${limitText(size)}`;
}

function limitText({ limit }: HopSize): string {
  return limit === null ? 'no known limit' : limit.toLocaleString('en');
}
