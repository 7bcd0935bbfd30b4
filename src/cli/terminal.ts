/** The only place that writes to the terminal. Colours are left out where the output is no terminal or NO_COLOR is set. */
import { stripVTControlCharacters } from 'node:util';
import pc from 'picocolors';

const { NO_COLOR = '', TERM } = process.env;
const colours = NO_COLOR === '' && TERM !== 'dumb';

/** The library's own choice colours every output of a CI job, files too. */
export const paint = pc.createColors(colours && Boolean(process.stdout.isTTY || process.stderr.isTTY));

// Who reads may stop reading (`waybill check … | head -1`): what is left is not written, and nothing is wrong.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

export function print(text: string): void {
  write(process.stdout, text);
}

export function printError(text: string): void {
  write(process.stderr, text);
}

/** Where the output is a terminal. */
export function clearScreen(): void {
  if (process.stdout.isTTY) process.stdout.write('\u001b[2J\u001b[3J\u001b[H');
}

function write(stream: NodeJS.WriteStream, text: string): void {
  stream.write(`${stream.isTTY ? text : stripVTControlCharacters(text)}\n`);
}

/** JSON leaves some control characters as they are; here they are written as escapes, which mean the same. */
export function printJson(value: unknown): void {
  const text = JSON.stringify(value, null, 2);
  print(
    text.replace(
      UNSAFE_IN_JSON,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  );
}

/** Control characters, other ends of a line, and marks that turn the direction of text. */
const UNSAFE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
/** The same without the line breaks between members; inside a text JSON escapes those itself. */
const UNSAFE_IN_JSON = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** For what comes from outside: nothing in it moves the cursor, colours the terminal or turns its text around. */
export function plain(text: string): string {
  return text.replace(UNSAFE, '?');
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}
