/** Text styles of a picture, and the size of its texts, in pixels. */
import type { Arrow, Line, PictureNode } from './picture.ts';
import { blockOf, type TextStyle } from './text-size.ts';

export const TITLE: TextStyle = { size: 16, bold: true };
export const NOTE: TextStyle = { size: 11 };
export const BOX_LABEL: TextStyle = { size: 12 };

const NAME: TextStyle = { size: 13, bold: true };
const PLAIN_NAME: TextStyle = { size: 12 };
export const ROW: TextStyle = { size: 11 };
export const ROW_HEIGHT = 20;
const UNDER_NAME: TextStyle = { size: 11 };
const FIRST_ON_ARROW: TextStyle = { size: 11 };
const ON_ARROW: TextStyle = { size: 10 };

export interface StyledLine {
  readonly text: string;
  readonly style: TextStyle;
  /** CSS classes. */
  readonly classes: string;
}

export function linesOfNode({ kind, lines }: PictureNode): StyledLine[] {
  return lines.map(({ text, as }) => ({ text, style: styleOf(as, kind), classes: as }));
}

function styleOf(as: Line['as'], kind: PictureNode['kind']): TextStyle {
  if (as !== 'name') return UNDER_NAME;
  return kind === 'outside' ? PLAIN_NAME : NAME;
}

/** If the arrow has a load: bytes, share of the header budget, and the rest. */
export function linesOfArrow({ lines, load }: Arrow): StyledLine[] {
  return lines.map((text, at) => ({
    text,
    style: load && at === 0 ? FIRST_ON_ARROW : ON_ARROW,
    classes: load && at < 2 ? (at === 0 ? 'bytes' : load) : 'muted',
  }));
}

const MARGIN = { x: 16, y: 8 };
const MIN_HEIGHT = 32;

/** `head` is the height of the part above the rows. */
export function sizeOfNode(node: PictureNode): Size & { readonly head: number } {
  const lines = blockOf(linesOfNode(node));
  const rows = blockOf(node.rows.map((text) => ({ text, style: ROW })));
  const head = Math.max(MIN_HEIGHT, lines.height + 2 * MARGIN.y);
  return {
    width: Math.max(lines.width, rows.width) + 2 * MARGIN.x,
    height: head + node.rows.length * ROW_HEIGHT,
    head,
  };
}

export function sizeOfArrowLabel(arrow: Arrow): Size | undefined {
  if (arrow.lines.length === 0) return undefined;
  const { width, height } = blockOf(linesOfArrow(arrow));
  return { width: width + 8, height: height + 4 };
}

export interface Size {
  readonly width: number;
  readonly height: number;
}
