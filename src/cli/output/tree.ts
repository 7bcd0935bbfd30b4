/** Renders a tree with columns beside it, and tables. */
import { widthOf } from './paint.ts';

export interface Drawn {
  readonly label: string;
  /** Beside the label, each column as wide as its widest cell. */
  readonly columns: readonly string[];
  readonly children: readonly Drawn[];
}

export function renderTree(root: Drawn): string {
  return renderColumns(linesOf(root, '', ''), [1]);
}

/** @param numbers the columns that are aligned right. */
export function renderColumns(rows: readonly (readonly string[])[], numbers: readonly number[]): string {
  const count = Math.max(...rows.map((cells) => cells.length));
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(...rows.map((cells) => widthOf(cells[column] ?? ''))),
  );
  const padded = (cell: string, column: number): string =>
    pad(cell, widths[column] ?? 0, numbers.includes(column));
  return rows.map((cells) => cells.map(padded).join('  ').trimEnd()).join('\n');
}

function linesOf({ label, columns, children }: Drawn, first: string, rest: string): string[][] {
  const below = children.flatMap((child, index) => {
    const [branch, line] = index === children.length - 1 ? ['└─ ', '   '] : ['├─ ', '│  '];
    return linesOf(child, rest + branch, rest + line);
  });
  return [[first + label, ...columns], ...below];
}

function pad(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return right ? space + text : text + space;
}
