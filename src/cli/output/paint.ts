/**
 * Colours. A painted text contains secret marks that only this process can make. Writing to a terminal turns them into
 * the terminal's sequences, and escapes sequences that came with text from outside.
 */
import { randomInt } from 'node:crypto';
import pc from 'picocolors';
import { escaped } from './escape.ts';

/** Sixteen random digits, in the form of a terminal's sequence. */
const SECRET = Array.from({ length: 4 }, () => randomInt(1_000, 10_000)).join(';');

/** A possible mark, or a character that `escape.ts` escapes, except line ends and tabs, which are our own here. */
const markOrUnsafe =
  /\u001b\[(\d{4};\d{4};\d{4};\d{4});(\d{1,3})m|(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

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
  // A painted part inside ends its own colour, so ours starts again behind it.
  return (text) => `${open}${text.replaceAll(close, close + open)}${close}`;
}

/** The text for a terminal: marks become colours or disappear, and unsafe characters are escaped. */
export function rendered(text: string, inColour: boolean): string {
  return text.replace(markOrUnsafe, (found: string, secret?: string, code?: string) => {
    if (secret === undefined || code === undefined) return escaped(found);
    // Not our mark: without its escape character it is plain text.
    if (secret !== SECRET) return escaped(found.charAt(0)) + found.slice(1);
    return inColour ? `\u001b[${code}m` : '';
  });
}

export function widthOf(text: string): number {
  return rendered(text, false).length;
}
