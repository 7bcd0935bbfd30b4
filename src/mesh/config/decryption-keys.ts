/** The keys with which the sidecar opens tokens that are sealed to its service: from a file or a variable. */
import { WaybillError } from '../../errors.ts';
import { InputFault, parseJsonInput } from '../../input/json-input.ts';
import type { DecryptionKeys } from '../../middleware/index.ts';
import { readTextFile } from './text-file.ts';

export interface DecryptionConfig {
  readonly decryption_file?: string;
  readonly decryption_env?: string;
}

/**
 * The extractor checks the keys.
 *
 * @throws WaybillError `usage`
 */
export function readDecryptionKeys(
  { decryption_file: file, decryption_env: variable }: DecryptionConfig,
  environment: Readonly<Record<string, string | undefined>>,
): DecryptionKeys | undefined {
  if (file !== undefined && variable !== undefined)
    throw usage('take decryption_file or decryption_env, not both');
  if (file !== undefined) return parsed(readTextFile(file, 'decryption_file'), `decryption_file ${file}`);
  if (variable === undefined) return undefined;
  const text = environment[variable];
  if (text === undefined) throw usage(`the variable ${variable} is not set`);
  return parsed(text, `the variable ${variable}`);
}

function parsed(text: string, where: string): DecryptionKeys {
  try {
    return parseJsonInput(text) as DecryptionKeys;
  } catch (error) {
    if (!(error instanceof InputFault)) throw error;
    throw usage(`${where} cannot be read: ${error.message}`);
  }
}

function usage(message: string): WaybillError {
  return new WaybillError('usage', `decryption keys: ${message}.`);
}
