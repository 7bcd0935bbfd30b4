/**
 * Colours. A painted text holds marks, which only this process can make: what is written to a terminal turns them into
 * the terminal's own sequences, so that a sequence that came with a text from outside is told from ours.
 */
import { randomInt } from 'node:crypto';
import pc from 'picocolors';
import { safeText } from './escape.ts';

/** Sixteen digits that nobody can guess, in the form of a terminal's sequence. */
const SECRET = Array.from({ length: 4 }, () => randomInt(1_000, 10_000)).join(';');
/** Marks, and what others may have made to look like them. */
const MARKS = /\u001b\[(\d{4};\d{4};\d{4};\d{4});(\d{1,3})m/;

const STYLES = ['bold', 'dim', 'red', 'green', 'yellow', 'magenta', 'cyan'] as const;
type Style = (typeof STYLES)[number];

type Painter = (text: string) => string;

const library = pc.createColors(true);

export const paint = Object.fromEntries(STYLES.map((style) => [style, painter(style)])) as Readonly<
  Record<Style, Painter>
>;

function painter(style: Style): Painter {
  const [open, close] = library[style]('\0')
    .split('\0')
    .map((sequence) => `\u001b[${SECRET};${/\d+/.exec(sequence)?.[0] ?? ''}m`) as [string, string];
  // What is painted inside ends its own colour: ours goes on behind it.
  return (text) => `${open}${text.replaceAll(close, close + open)}${close}`;
}

/** The text as a terminal gets it: marks as colours, or left out, and whatever is unsafe escaped. */
export function rendered(text: string, inColour: boolean): string {
  let result = '';
  // Between any two texts stand the secret and the code of what separates them.
  const parts = text.split(MARKS);
  for (let at = 0; at < parts.length; at += 3) {
    const [part = '', secret, code] = parts.slice(at, at + 3);
    result += safeText(part);
    if (secret === undefined) continue;
    if (secret !== SECRET) result += safeText(`\u001b[${secret};${code}m`);
    else if (inColour) result += `\u001b[${code}m`;
  }
  return result;
}

/** Columns that a text takes. */
export function widthOf(text: string): number {
  return rendered(text, false).length;
}
