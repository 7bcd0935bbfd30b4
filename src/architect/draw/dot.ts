/**
 * Renders a picture as DOT, the language of Graphviz. Names are quoted ids, texts are labels that Graphviz parses as XML;
 * both are escaped, so that no text of a graph is read as DOT.
 */
import { escapeXml, legible } from './escape.ts';
import { palette } from './palette.ts';
import {
  MODE_NAMES,
  modesOf,
  type Arrow,
  type Box,
  type End,
  type Line,
  type Picture,
  type PictureNode,
} from './picture.ts';

/** Deterministic: the same picture gives the same text. */
export function renderDot(picture: Picture): string {
  const { title, note, nodes, boxes, arrows } = picture;
  const legend = modesOf(picture).map((mode) => `${STROKES[mode]} ${MODE_NAMES[mode]}`);
  const small = { size: 11, colour: palette.muted.light };
  const below = [note, legend.join('    ')].filter((text) => text !== '').map((text) => font(text, small));
  const heading = [bold(title), ...below].join('<BR/>');
  const font12 = { fontname: 'Helvetica', fontsize: 12 };
  return [
    'digraph {',
    ...[
      `graph ${attributes({ rankdir: 'LR', nodesep: 0.22, ranksep: 0.7, pad: 0.2, bgcolor: palette.ground.light, ...font12, fontcolor: palette.ink.light, labelloc: 't', label: { xml: heading } })}`,
      `node ${attributes({ shape: 'box', style: 'rounded,filled', height: 0.4, margin: '0.16,0.07', ...font12, fontcolor: palette.ink.light, color: palette.boxEdge.light, fillcolor: palette.box.light })}`,
      `edge ${attributes({ ...font12, fontsize: 10, fontcolor: palette.muted.light, color: palette.arrow.light, arrowsize: 0.7 })}`,
      ...nodes.map(nodeText),
      ...boxes.flatMap(boxLines),
      ...arrows.map(arrowText),
    ].map((line) => `  ${line}`),
    '}',
    '',
  ].join('\n');
}

const STYLES: Readonly<Record<PictureNode['kind'], Attributes>> = {
  client: { color: palette.clientEdge.light, fillcolor: palette.client.light, margin: '0.24,0.09' },
  service: {},
  outside: { style: 'rounded,dashed', fontcolor: palette.muted.light },
};

function nodeText({ id, kind, lines, rows }: PictureNode): string {
  const head = lines.map((line) => lineText(line, kind)).join('<BR/>');
  const label = { xml: rows.length === 0 ? head : table(head, rows) };
  return `${quoted(id)} ${attributes({ label, ...STYLES[kind] })}`;
}

/** Arrows address a row by its port. */
function table(head: string, rows: readonly string[]): string {
  const cells = rows.map((row, at) => {
    const text = font(row, { size: 11, colour: palette.scopes.light });
    return `<HR/><TR><TD PORT="row${at}">${text}</TD></TR>`;
  });
  const borders = 'BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4"';
  return `<TABLE ${borders}><TR><TD>${head}</TD></TR>${cells.join('')}</TABLE>`;
}

function lineText({ text, as }: Line, kind: PictureNode['kind']): string {
  if (as !== 'name') return font(text, { size: 11, colour: palette[as].light });
  return kind === 'outside' ? escapeXml(text) : bold(text);
}

function boxLines({ label, nodes }: Box, number: number): string[] {
  const look = {
    label: { xml: font(label, { size: 12, colour: palette.muted.light }) },
    labeljust: 'l',
    style: 'rounded,filled',
    margin: 16,
    color: palette.zoneEdge.light,
    fillcolor: palette.zone.light,
  };
  // Graphviz draws a box around a subgraph whose name begins with `cluster`.
  return [
    `subgraph cluster${number} {`,
    ...[`graph ${attributes(look)}`, ...nodes.map(nodeText)].map((line) => `  ${line}`),
    '}',
  ];
}

const STROKES: Readonly<Record<Arrow['mode'], string>> = {
  embed: '──',
  exchange: '╌╌',
  forward: '━━',
  none: '┈┈',
};

const LINES: Readonly<Record<Arrow['mode'], Attributes>> = {
  embed: {},
  exchange: { style: 'dashed' },
  forward: { penwidth: 3 },
  none: { style: 'dotted', arrowhead: 'open' },
};

function arrowText({ from, to, mode, lines, load }: Arrow): string {
  const texts = lines.map((text, at) => {
    if (!load || at > 1) return escapeXml(text);
    return font(
      text,
      at === 0 ? { size: 11, colour: palette.ink.light } : { size: 10, colour: palette[load].light },
    );
  });
  const label = texts.length === 0 ? {} : { label: { xml: texts.join('<BR/>') } };
  return `${endText(from)} -> ${endText(to)} ${attributes({ ...label, ...LINES[mode] })}`;
}

function endText({ node, row }: End): string {
  return row === undefined ? quoted(node) : `${quoted(node)}:row${row}`;
}

/** Text, a number, or a label in XML. */
type Attributes = Readonly<Record<string, string | number | { readonly xml: string }>>;

function attributes(of: Attributes): string {
  const texts = Object.entries(of).map(([name, value]) => {
    const written =
      typeof value === 'object' ? `<${value.xml}>` : typeof value === 'number' ? value : quoted(value);
    return `${name}=${written}`;
  });
  return `[${texts.join(' ')}]`;
}

/** A quoted DOT id: escapes quotes, and backslashes, which would escape the quote after them. */
function quoted(text: string): string {
  return `"${legible(text).replace(/["\\]/g, '\\$&')}"`;
}

function bold(text: string): string {
  return `<B>${escapeXml(text)}</B>`;
}

function font(text: string, { size, colour }: { readonly size: number; readonly colour: string }): string {
  return `<FONT POINT-SIZE="${size}" COLOR="${colour}">${escapeXml(text)}</FONT>`;
}
