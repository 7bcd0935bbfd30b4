/**
 * Renders a picture as a Mermaid flowchart, for Markdown. Ids are generated; texts are quoted, with everything but
 * letters, digits and harmless signs as numeric entities, so that no text of a graph is read as Mermaid.
 */
import { legible } from './escape.ts';
import { nodesOf, type Arrow, type End, type Line, type Picture, type PictureNode } from './picture.ts';

/** Deterministic: the same picture gives the same text. */
export function renderMermaid(picture: Picture): string {
  const { title, nodes, boxes, arrows } = picture;
  const numbers = new Map(nodesOf(picture).map(({ id }, number) => [id, number]));
  const idOf = ({ node, row }: End): string => `n${numbers.get(node)}${row === undefined ? '' : `r${row}`}`;
  const linesOf = (node: PictureNode): string[] => nodeLines(node, idOf({ node: node.id }));
  return [
    '---',
    `title: ${JSON.stringify(legible(title))}`, // JSON is YAML
    '---',
    'flowchart LR',
    ...[
      ...nodes.flatMap(linesOf),
      ...boxes.flatMap((box, number) => subgraph(`z${number}`, text(box.label), box.nodes.flatMap(linesOf))),
      ...arrows.map((arrow) => `${idOf(arrow.from)} ${arrowText(arrow)} ${idOf(arrow.to)}`),
      ...arrows.flatMap(({ mode }, at) =>
        LINES[mode].style ? [`linkStyle ${at} ${LINES[mode].style}`] : [],
      ),
      'classDef outside fill:none,stroke-dasharray:4 3',
    ].map((line) => `  ${line}`),
    '',
  ].join('\n');
}

function nodeLines({ kind, lines, rows }: PictureNode, id: string): string[] {
  const label = lines.map(lineText).join('<br/>');
  if (rows.length > 0)
    return subgraph(
      id,
      label,
      rows.map((row, at) => `${id}r${at}["${text(row)}"]`),
    );
  if (kind === 'client') return [`${id}(["${label}"])`];
  return [`${id}["${label}"]${kind === 'outside' ? ':::outside' : ''}`];
}

function subgraph(id: string, label: string, inside: readonly string[]): string[] {
  return [`subgraph ${id}["${label}"]`, ...inside.map((line) => `  ${line}`), 'end'];
}

function lineText({ text: line, as }: Line): string {
  return as === 'name' ? `<b>${text(line)}</b>` : text(line);
}

/** Mermaid has three kinds of lines; other kinds need a style. */
const LINES: Readonly<Record<Arrow['mode'], { readonly line: string; readonly style?: string }>> = {
  embed: { line: '-->' },
  exchange: { line: '-->', style: 'stroke-dasharray:7 4' },
  forward: { line: '==>' },
  none: { line: '-.->', style: 'stroke-dasharray:2 4' },
};

function arrowText({ mode, lines }: Arrow): string {
  const label = lines.length === 0 ? '' : `|"${lines.map(text).join('<br/>')}"|`;
  return `${LINES[mode].line}${label}`;
}

function text(line: string): string {
  return legible(line).replace(/[^\p{L}\p{N} ,.:/()_-]/gu, (character) => `#${character.codePointAt(0)};`);
}
