/**
 * The only place that writes to standard output and standard error. Text is escaped (`escape.ts`), and coloured on a
 * terminal unless NO_COLOR is set. Every function throws WaybillError `output_failed` if it cannot write.
 */
import { fstatSync, writeFileSync } from 'node:fs';
import { WaybillError } from '../../errors.ts';
import { safeJson } from './escape.ts';
import { rendered } from './paint.ts';

export { plain } from './escape.ts';
export { paint } from './paint.ts';

const { NO_COLOR = '', TERM } = process.env;
const colours = NO_COLOR === '' && TERM !== 'dumb';

type Stream = NodeJS.WriteStream & { readonly fd: number };

for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // A reader may stop early (`waybill check … | head -1`): that is not an error.
    if (error.code !== 'EPIPE') throw unwritten(stream, error);
  });

/** For people: text from outside is escaped. */
export function print(text: string): void {
  printPart(`${text}\n`);
}

export function printError(text: string): void {
  printErrorPart(`${text}\n`);
}

/** Like `printError`, but ignores a failure: a server must run on with a full disk. */
export function printNote(text: string): void {
  try {
    printError(text);
  } catch {
    // The log says that it cannot be written.
  }
}

/** Like `print`, without the line end. */
export function printPart(text: string): void {
  write(process.stdout, rendered(text, isColoured(process.stdout)));
}

export function printErrorPart(text: string): void {
  write(process.stderr, rendered(text, isColoured(process.stderr)));
}

/** For programs: a graph, a patch, a picture. A file or a pipe gets it unchanged, a terminal escaped. */
export function printDocument(text: string): void {
  if (process.stdout.isTTY) print(text);
  else write(process.stdout, `${text}\n`);
}

export function printJson(value: unknown): void {
  printJsonText(JSON.stringify(value, null, 2));
}

/** @param json one formatted value. */
export function printJsonText(json: string): void {
  write(process.stdout, `${safeJson(json)}\n`);
}

/** Only on a terminal. */
export function clearScreen(): void {
  if (process.stdout.isTTY) write(process.stdout, '\u001b[2J\u001b[3J\u001b[H');
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

function isColoured(stream: Stream): boolean {
  return colours && stream.isTTY;
}

/** On a full disk Node's stream writes a part and reports no error; this writes everything or throws. */
function write(stream: Stream, text: string): void {
  if (!isFile(stream)) {
    stream.write(text);
    return;
  }
  try {
    writeFileSync(stream.fd, text);
  } catch (error) {
    throw unwritten(stream, error as NodeJS.ErrnoException);
  }
}

function isFile(stream: Stream): boolean {
  if (stream.isTTY) return false;
  const status = fstatSync(stream.fd);
  return status.isFile() || status.isCharacterDevice();
}

function unwritten(stream: Stream, { code = 'unknown reason' }: NodeJS.ErrnoException): WaybillError {
  const name = stream === process.stdout ? 'Standard output' : 'Standard error';
  return new WaybillError('output_failed', `${name} cannot be written (${code}).`);
}
