/** Small files that the configuration names: secrets, keys, certificates. */
import { usageError } from '../../errors.ts';
import { readInputFile } from '../../input/input-file.ts';
import { InputFault, decodeInput } from '../../input/json-input.ts';

const MAX_BYTES = 1024 * 1024;

/**
 * @param key of the configuration, for the message.
 * @throws WaybillError `usage`
 */
export function readTextFile(file: string, key: string): string {
  try {
    return decodeInput(readInputFile(file, MAX_BYTES));
  } catch (error) {
    const reason =
      error instanceof InputFault
        ? error.message
        : ((error as NodeJS.ErrnoException).code ?? 'unknown reason');
    throw usageError(`${key} ${file} cannot be read: ${reason}.`);
  }
}
