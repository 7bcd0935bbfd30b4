/** Prints the error that ends a command in one line, and sets the exit code. */
import { CommanderError } from 'commander';
import { isWaybillError } from '../../errors.ts';
import { InputFault } from '../../input/json-input.ts';
import { isSystemError } from './save.ts';
import { paint, plain, printError } from './terminal.ts';

const WRONG_USE = 2;

/** Codes of wrong use; every other code is a verdict about what was examined. */
const USAGE: ReadonlySet<string> = new Set(
  'usage output_failed keys_missing keys_invalid keys_unpublished secret_missing issuer_unavailable issuer_metadata source_unreadable'.split(
    ' ',
  ),
);

/** Ends a command whose graph has errors, which are printed already. */
export class GraphRefused extends Error {}

/** If standard error cannot be written, only the exit code reports the error. */
export function report(error: unknown): void {
  process.exitCode = exitCodeOf(error);
  const text = textOf(error);
  if (text === undefined) return;
  try {
    printError(text);
  } catch {
    // Standard error cannot be written.
  }
}

/** Why something cannot be read: the message of an error of ours, or the system's code. */
export function reasonOf(error: unknown): string {
  if (isWaybillError(error) || error instanceof InputFault) return error.message;
  return (error as NodeJS.ErrnoException).code ?? 'unknown reason';
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USE;
  if (error instanceof GraphRefused) return 1;
  return isWaybillError(error) && !USAGE.has(error.code) ? 1 : WRONG_USE;
}

function textOf(error: unknown): string | undefined {
  if (error instanceof CommanderError || error instanceof GraphRefused) return undefined; // it is printed already
  const label = paint.red('error');
  if (isWaybillError(error)) {
    const more = error.detail === undefined ? '' : ` (${error.detail})`;
    return `${label}  ${paint.dim(error.code)}  ${plain(`${error.message}${more}`)}`;
  }
  if (isSystemError(error)) return `${label}  ${plain(error.message)}`;
  return `${label}  ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
