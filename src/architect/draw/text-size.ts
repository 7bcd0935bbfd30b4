/**
 * How much room a text takes. Which font a reader has is not known, so the widths are those of a wide one (Verdana,
 * DejaVu Sans): a narrower one leaves a margin, and texts stand in the middle.
 */
export interface TextStyle {
  /** Pixels. */
  readonly size: number;
  readonly bold?: boolean;
}

export const LINE_HEIGHT = 1.3;

/** Of the size, by character; all that is not here is as wide as most letters. */
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
/** Characters of other scripts are as wide as they are high. */
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

/** Of lines below one another. @returns pixels. */
export function blockOf(lines: readonly { readonly text: string; readonly style: TextStyle }[]): {
  readonly width: number;
  readonly height: number;
} {
  return {
    width: Math.max(0, ...lines.map(({ text, style }) => widthOf(text, style))),
    height: lines.reduce((sum, { style }) => sum + style.size * LINE_HEIGHT, 0),
  };
}
