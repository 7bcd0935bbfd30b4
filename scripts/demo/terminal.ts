/** What people see of the demo: colours and a moving line on a terminal, plain lines elsewhere. */
import { stripVTControlCharacters } from 'node:util';
import pc from 'picocolors';

// Not `undefined` where it is none: the library would then choose, and in a CI job choose colours.
export const onTerminal = Boolean(process.stdout.isTTY);
export const paint = pc.createColors(onTerminal && pc.isColorSupported);

/** The same choice for a program whose output is shown. */
export const colourChoice = paint.isColorSupported ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' };

/** Something that the demo shows did not come out as it should; the message is for people. */
export class DemoFailed extends Error {}

export function say(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** Replaces the line of the last call, on a terminal only; without text it takes it away. */
export function progress(text = ''): void {
  if (onTerminal) process.stdout.write(`\r\u001b[2K${text}`);
}

/** @param right numbers of the columns that are aligned to the right. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => width(row[column]))));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const space = ' '.repeat((widths[column] ?? 0) - width(cell));
        return right.includes(column) ? space + cell : cell + space;
      })
      .join('  ')
      .trimEnd(),
  );
}

function width(cell = ''): number {
  return stripVTControlCharacters(cell).length;
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}
