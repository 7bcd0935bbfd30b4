/**
 * Estimates the size of a text. The reader's font is unknown, so the widths are those of a wide font (Verdana, DejaVu
 * Sans); a narrower font leaves a margin around the centred text.
 */
export interface TextStyle {
  /** Pixels. */
  readonly size: number;
  readonly bold?: boolean;
}

export const LINE_HEIGHT = 1.3;

/** Widths relative to the font size; other characters are as wide as most letters. */
const WIDTHS = new Map<string, number>(
  (
    [
      ["ijl|'", 0.3],
      ['ft.,:;!()[]{}/- ', 0.4],
      ['r', 0.44],
      ['mwMWOQGNH@%', 0.88],
      ['ABCDEFJKLPRSTUVXYZ', 0.7],
    ] as const
  ).flatMap(([characters, width]) => [...characters].map((character) => [character, width] as const)),
);
const MOST = 0.64;
/** Characters of other scripts are counted as square. */
const WIDE = 1;
const BOLDER = 1.13;

/** @returns pixels. */
export function widthOf(text: string, { size, bold = false }: TextStyle): number {
  let width = 0;
  for (const character of text) {
    width += WIDTHS.get(character) ?? (character > '\u024f' ? WIDE : MOST);
  }
  return width * size * (bold ? BOLDER : 1);
}

/** The size of several lines. @returns pixels. */
export function blockOf(lines: readonly { readonly text: string; readonly style: TextStyle }[]): {
  readonly width: number;
  readonly height: number;
} {
  return {
    width: Math.max(0, ...lines.map(({ text, style }) => widthOf(text, style))),
    height: lines.reduce((sum, { style }) => sum + style.size * LINE_HEIGHT, 0),
  };
}
