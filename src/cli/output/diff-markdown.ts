/** Renders a comparison of two graphs as a comment on a pull request. */
import type { Change, GraphDiff, Impact } from '../../architect/diff/index.ts';
import {
  VERDICTS,
  changedCount,
  countsOf,
  effectSentences,
  hopName,
  largest,
  sizeText,
} from './diff-text.ts';
import { plain } from './terminal.ts';

const HEADINGS: Readonly<Record<Impact, string>> = {
  widens: 'Widens',
  narrows: 'Narrows',
  neutral: 'Neutral',
};
/** Rows of a table: comments are limited in size. */
const MAX_ROWS = 100;

export function diffMarkdown(diff: GraphDiff): string {
  const { newer, verdict, changes } = diff;
  const title = `### ${text(newer.name)}: what this change does`;
  if (changes.length === 0) return `${title}\n\nThe graphs issue the same tokens to the same parties.`;
  const parts = [title, `**${sentence(VERDICTS[verdict])}** ${countsOf(changes)}.`];
  for (const mark of ['widens', 'narrows'] as const) {
    const rows = changes.filter((change) => change.mark === mark);
    if (rows.length > 0) parts.push(`#### ${HEADINGS[mark]}\n\n${changeTable(rows)}`);
  }
  const neutral = changes.filter((change) => change.mark === 'neutral');
  if (neutral.length > 0) parts.push(folded(`Neutral: ${neutral.length}`, changeTable(neutral)));
  const effects = effectList(diff);
  if (effects !== '') parts.push(`#### Effects\n\n${effects}`);
  const sizes = sizeTable(diff);
  if (sizes !== '') parts.push(folded('Tokens and bytes per call', sizes));
  return parts.join('\n\n');
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function changeTable(changes: readonly Change[]): string {
  const rows = changes.map(({ what, place }) => [text(what), place === undefined ? '' : code(place)]);
  return table(['change', 'where'], rows);
}

function effectList(diff: GraphDiff): string {
  const sentences = effectSentences(diff);
  const lines = sentences.slice(0, MAX_ROWS).map((sentence) => `- ${text(sentence)}`);
  if (sentences.length > MAX_ROWS) lines.push(`- and ${sentences.length - MAX_ROWS} more`);
  return lines.join('\n');
}

function sizeTable({ effects: { requests } }: GraphDiff): string {
  const rows = requests.map(({ client, scopes, entry, tokens, depth, hops }) => {
    const [hop] = largest(hops, 1);
    return [
      `${code(client)}: ${code(scopes.join(' '))} of ${code(entry)}`,
      changedCount(tokens),
      changedCount(depth),
      hop ? `${code(hopName(hop))} ${text(sizeText(hop))}` : '',
    ];
  });
  return rows.length === 0 ? '' : table(['request', 'tokens', 'levels', 'call that changed most'], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const lines = [line(head), line(head.map(() => '---')), ...rows.slice(0, MAX_ROWS).map(line)];
  if (rows.length > MAX_ROWS)
    lines.push(line([`and ${rows.length - MAX_ROWS} more`, ...head.slice(1).map(() => '')]));
  return lines.join('\n');
}

function folded(summary: string, content: string): string {
  return `<details><summary>${summary}</summary>\n\n${content}\n\n</details>`;
}

/** Escapes names of a graph, so that they contain no markup, mention or cell separator. */
function text(words: string): string {
  return plain(words).replace(/[\\`*_{}[\]<>()#+!|~@&]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function code(words: string): string {
  return `<code>${text(words)}</code>`;
}
