/** YAML cannot be streamed: its bytes are collected up to a limit and parsed at the end. */
import { YAMLException, loadAll } from 'js-yaml';
import { WaybillError } from '../../../errors.ts';
import { InputFault, decodeInput } from '../../../input/json-input.ts';
import { MAX_DEPTH, MAX_YAML } from '../limits.ts';
import type { SourceReader } from './source.ts';

const MAX_ALIASES = 100;

/**
 * @param take receives the documents of the file. Aliases share one value, which may occur a thousand times.
 * @param maxAliases 0 if the caller serialises the documents again, where aliases would multiply.
 */
export function yamlReader(
  file: string,
  take: (documents: readonly unknown[]) => void,
  maxAliases = MAX_ALIASES,
): Pick<SourceReader, 'write' | 'end'> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return {
    write(chunk) {
      bytes += chunk.length;
      if (bytes > MAX_YAML)
        throw new WaybillError(
          'source_too_large',
          `${file}: a YAML file has at most ${MAX_YAML.toLocaleString('en')} bytes. Split it.`,
        );
      chunks.push(chunk);
    },
    end() {
      take(documentsOf(file, textOf(file, Buffer.concat(chunks)), maxAliases));
    },
  };
}

/** @throws WaybillError `source_malformed` */
function textOf(file: string, bytes: Buffer): string {
  try {
    return decodeInput(bytes);
  } catch (error) {
    if (!(error instanceof InputFault)) throw error;
    throw new WaybillError('source_malformed', `${file} cannot be read: ${error.message}.`);
  }
}

function documentsOf(file: string, text: string, maxAliases: number): readonly unknown[] {
  try {
    return loadAll(text, { filename: file, maxDepth: MAX_DEPTH, maxAliases });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const line = error.mark === undefined ? '' : `, line ${error.mark.line + 1}`;
    const isBound = /depth|alias/i.test(error.reason);
    throw new WaybillError(
      isBound ? 'source_too_large' : 'source_malformed',
      `${file}${line}: this is not YAML that can be read: ${error.reason}.`,
    );
  }
}
