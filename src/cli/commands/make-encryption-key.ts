/** `waybill keys encryption`: makes and rotates the keys to which tokens of a service are sealed. */
import { isWaybillError, usageError } from '../../errors.ts';
import { readInputFile } from '../../input/input-file.ts';
import { InputFault, parseJsonInput } from '../../input/json-input.ts';
import { generateEncryptionKey, publicEncryptionKey, type EncryptionJwk } from '../../issuer/keys/index.ts';
import { sealOpener, type DecryptionKeys } from '../../token/index.ts';
import { replaceFiles } from '../output/save.ts';
import { plural, print, printJson } from '../output/terminal.ts';

export interface EncryptionKeyOptions {
  readonly private: string;
  readonly public: string;
  readonly curve: 'P-256' | 'X25519';
  readonly wrap?: boolean;
  readonly json?: boolean;
}

const MAX_FILE_BYTES = 64 * 1024;
/** The new one, and the one before it: tokens that were sealed to an older one have ended. */
const KEPT = 2;
const OWNER_ONLY = 0o600;

/**
 * Adds a key in front, so that the issuer seals to the new key while the service still opens what was sealed to the old.
 *
 * @throws WaybillError `usage` for a file of other keys, `output_failed`
 */
export async function makeEncryptionKey(options: EncryptionKeyOptions): Promise<void> {
  const { private: privateFile, public: publicFile, curve, wrap = false, json } = options;
  const before = readPrivateKeys(privateFile);
  const made = await generateEncryptionKey(curve, wrap ? 'ECDH-ES+A256KW' : 'ECDH-ES');
  const keys = [made, ...before].slice(0, KEPT);
  replaceFiles([
    { file: privateFile, text: textOf(keys), mode: OWNER_ONLY },
    { file: publicFile, text: textOf(keys.map(publicEncryptionKey)) },
  ]);
  const kids = keys.map(({ kid }) => kid);
  if (json) return printJson({ private: privateFile, public: publicFile, keys: kids });
  print(
    `Made the key ${made.kid} on ${curve}; ${privateFile} has ${plural(keys.length, 'key')}. Give that file to the service first.`,
  );
  print(`Then put ${publicFile} where \`encryption\` of the service names it in the graph.`);
}

function readPrivateKeys(file: string): readonly EncryptionJwk[] {
  try {
    const document = parseJsonInput(readInputFile(file, MAX_FILE_BYTES)) as DecryptionKeys;
    sealOpener(document, [], 0); // whether they are keys of this kind
    return document.keys as readonly EncryptionJwk[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    if (error instanceof InputFault || isWaybillError(error, 'keys_invalid'))
      throw usageError(`${file} is there and cannot be added to: ${error.message}`);
    throw error;
  }
}

function textOf(keys: readonly object[]): string {
  return `${JSON.stringify({ keys }, null, 2)}\n`;
}
