/** Renders a tree with columns beside it, and tables. */
import { widthOf } from './paint.ts';

export interface Drawn {
  readonly label: string;
  /** Beside the label, each column as wide as its widest cell. */
  readonly columns: readonly string[];
  readonly children: readonly Drawn[];
}

interface Line {
  readonly cells: readonly string[];
}

export function renderTree(root: Drawn): string {
  const lines: Line[] = [];
  collect(root, '', '', lines);
  return renderColumns(
    lines.map(({ cells }) => cells),
    [1],
  );
}

/** @param numbers the columns that are aligned right. */
export function renderColumns(rows: readonly (readonly string[])[], numbers: readonly number[]): string {
  const count = Math.max(...rows.map((cells) => cells.length));
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(...rows.map((cells) => widthOf(cells[column] ?? ''))),
  );
  return rows
    .map((cells) =>
      cells
        .map((cell, column) => pad(cell, widths[column] ?? 0, numbers.includes(column)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function collect(node: Drawn, first: string, rest: string, lines: Line[]): void {
  lines.push({ cells: [`${first}${node.label}`, ...node.columns] });
  node.children.forEach((child, index) => {
    const last = index === node.children.length - 1;
    collect(child, `${rest}${last ? '└─ ' : '├─ '}`, `${rest}${last ? '   ' : '│  '}`, lines);
  });
}

function pad(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return right ? space + text : text + space;
}
