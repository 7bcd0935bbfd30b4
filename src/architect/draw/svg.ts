/**
 * Renders a picture as SVG: for light and dark backgrounds, in the reader's own font, with title and description for
 * screen readers. It loads nothing and contains no scripts.
 */
import { escapeXml } from './escape.ts';
import { layOutPicture, type Layout, type Point, type Rect, type Route } from './layout.ts';
import {
  MODE_NAMES,
  describe,
  modesOf,
  nodesOf,
  type Arrow,
  type Box,
  type Picture,
  type PictureNode,
} from './picture.ts';
import { STYLE } from './svg-style.ts';
import { LINE_HEIGHT, blockOf, widthOf } from './text-size.ts';
import {
  BOX_LABEL,
  NOTE,
  ROW,
  ROW_HEIGHT,
  TITLE,
  linesOfArrow,
  linesOfNode,
  type StyledLine,
} from './text-styles.ts';

const MARGIN = 24;
const LINE_GAP = 22;

/** Deterministic: the same picture gives the same text. */
export async function renderSvg(picture: Picture): Promise<string> {
  const layout = await layOutPicture(picture);
  const heading = headingOf(picture);
  const width = Math.ceil(Math.max(layout.width, heading.width) + 2 * MARGIN);
  const height = Math.ceil(heading.bottom + layout.height + MARGIN);
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="waybill-title" aria-describedby="waybill-description">`,
    `<title id="waybill-title">${escapeXml(picture.title)}</title>`,
    `<desc id="waybill-description">${escapeXml(describe(picture).join(' '))}</desc>`,
    `<style>${STYLE}</style>`,
    '<defs><marker id="waybill-tip" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path class="tip" d="M0,0.5 L8,4 L0,7.5 z"/></marker></defs>',
    `<rect class="ground" width="${width}" height="${height}"/>`,
    ...heading.lines,
    `<g transform="translate(${MARGIN} ${heading.bottom})">`,
    ...contentOf(picture, layout),
    '</g>',
    '</svg>',
    '',
  ];
  return lines.join('\n');
}

interface Heading {
  readonly lines: readonly string[];
  readonly width: number;
  /** Where the layout begins. */
  readonly bottom: number;
}

const SAMPLE = 28;

function headingOf({ title, note, ...picture }: Picture): Heading {
  let y = MARGIN + TITLE.size / 2;
  const lines = [text(title, { x: MARGIN, y }, TITLE.size, 'title')];
  if (note !== '') lines.push(text(note, { x: MARGIN, y: (y += LINE_GAP) }, NOTE.size, 'muted'));
  y += LINE_GAP;
  let x = MARGIN;
  for (const mode of modesOf({ title, note, ...picture })) {
    const name = MODE_NAMES[mode];
    lines.push(
      `<path class="arrow ${mode}" d="M${x},${y - 4} h${SAMPLE}"/>`,
      text(name, { x: x + SAMPLE + 8, y }, NOTE.size, 'muted'),
    );
    x += SAMPLE + 8 + Math.ceil(widthOf(name, NOTE)) + 20;
  }
  return { lines, width: Math.max(widthOf(title, TITLE), widthOf(note, NOTE), x), bottom: y + LINE_GAP };
}

/** From bottom to top: boxes, arrows, nodes, labels of arrows. */
function contentOf(picture: Picture, { nodes, boxes, routes }: Layout): string[] {
  const sentences = describe(picture);
  return [
    ...picture.boxes.map((box, at) => boxText(box, boxes[at]!)),
    ...picture.arrows.map((arrow, at) => arrowText(arrow, routes[at]!, sentences[at]!)),
    ...nodesOf(picture).map((node, at) => nodeText(node, nodes[at]!)),
    ...picture.arrows.flatMap((arrow, at) => labelText(arrow, routes[at]!)),
  ];
}

function boxText({ label }: Box, rect: Rect): string {
  const { left, top } = cornerOf(rect);
  const at = { x: round(left + 14), y: round(top + 10 + BOX_LABEL.size) };
  return `<g><rect class="zone" ${rectangle(rect)} rx="10"/>${text(label, at, BOX_LABEL.size, 'muted')}</g>`;
}

function arrowText({ mode }: Arrow, route: Route, sentence: string): string {
  return `<g><title>${escapeXml(sentence)}</title><path class="arrow ${mode}" marker-end="url(#waybill-tip)" d="${route.path}"/></g>`;
}

function nodeText(node: PictureNode, rect: Rect): string {
  const { id, kind, rows } = node;
  const radius = kind === 'client' ? rect.height / 2 : 7;
  const shape = `<rect class="${kind}" ${rectangle(rect)} rx="${round(radius)}"/>`;
  const head = rect.height - rows.length * ROW_HEIGHT;
  const top = cornerOf(rect).top + head;
  const title = `<title>${escapeXml(id)}</title>`;
  const lines = block(linesOfNode(node), { x: rect.x, y: top - head / 2 });
  const drawnRows = rows.map((row, at) => rowText(row, rect, top + at * ROW_HEIGHT));
  return `<g class="${kind}-node">${title}${shape}${lines}${drawnRows.join('')}</g>`;
}

function rowText(row: string, rect: Rect, top: number): string {
  const { left } = cornerOf(rect);
  const line = `<path class="row" d="M${round(left)},${round(top)} h${round(rect.width)}"/>`;
  const at = { x: round(rect.x), y: round(top + ROW_HEIGHT / 2 + ROW.size * 0.35) };
  return `${line}${text(row, at, ROW.size, 'middle scopes')}`;
}

function labelText(arrow: Arrow, { label }: Route): string[] {
  return label ? [`<g class="label">${block(linesOfArrow(arrow), label)}</g>`] : [];
}

/** Lines of text, centred on a point. */
function block(lines: readonly StyledLine[], { x, y }: Point): string {
  let top = y - blockOf(lines).height / 2;
  return lines
    .map(({ text: line, style: { size }, classes }) => {
      const base = top + size;
      top += size * LINE_HEIGHT;
      return text(line, { x: round(x), y: round(base) }, size, `middle ${classes}`);
    })
    .join('');
}

function text(line: string, { x, y }: Point, size: number, classes: string): string {
  return `<text class="${classes}" x="${x}" y="${y}" font-size="${size}">${escapeXml(line)}</text>`;
}

function cornerOf({ x, y, width, height }: Rect): { readonly left: number; readonly top: number } {
  return { left: x - width / 2, top: y - height / 2 };
}

function rectangle(rect: Rect): string {
  const { left, top } = cornerOf(rect);
  const { width, height } = rect;
  return `x="${round(left)}" y="${round(top)}" width="${round(width)}" height="${round(height)}"`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
