/**
 * Colours. A painted text holds marks that only this process can make. They become the terminal's sequences when they are
 * written, so that a sequence in a text from outside is never taken for ours.
 */
import { randomInt } from 'node:crypto';
import pc from 'picocolors';
import { escaped } from './escape.ts';

/** Sixteen unguessable digits, in the form of a terminal's sequence. */
const SECRET = Array.from({ length: 4 }, () => randomInt(1_000, 10_000)).join(';');

/** What may be a mark, and what `escape.ts` escapes, except line breaks and tabs: those are in our own text. */
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
  // Painted text inside ends its own colour: ours continues after it.
  return (text) => `${open}${text.replaceAll(close, close + open)}${close}`;
}

/** The text as a terminal gets it: marks as colours, or left out, and whatever is unsafe escaped. */
export function rendered(text: string, inColour: boolean): string {
  return text.replace(markOrUnsafe, (found: string, secret?: string, code?: string) => {
    if (secret === undefined || code === undefined) return escaped(found);
    // Not one of ours: without its first character it is plain text.
    if (secret !== SECRET) return escaped(found.charAt(0)) + found.slice(1);
    return inColour ? `\u001b[${code}m` : '';
  });
}

/** Columns that a text takes. */
export function widthOf(text: string): number {
  return rendered(text, false).length;
}
