/** Codes of errors that are thrown at once. */
import { isWaybillError } from '../../src/errors.ts';

/** @returns the code of what `run` throws; undefined if it throws nothing. */
export function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (isWaybillError(error)) return error.code;
    throw error;
  }
}
