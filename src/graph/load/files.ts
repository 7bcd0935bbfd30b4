/**
 * From paths to texts. In: the files and folders that a person named. Out: source texts, sorted by path, each
 * bounded before it is read.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { SourceText, type Findings } from '../finding.ts';
import { listFiles, listFilesSync, type FileKind } from './list-files.ts';

/** No hand-written file comes near this; 10,000 services with 100,000 calls are about 6 MiB. */
export const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** All files of one graph together. */
export const MAX_GRAPH_BYTES = 32 * 1024 * 1024;
export const MAX_FILES = 2_000;

/**
 * The files of a graph.
 *
 * @param paths files, or folders whose `.yaml` and `.yml` files are read, folders below them too; names that begin
 *   with a dot, files of variables (`.vars.yaml`) and files of tests (`.test.yaml`) are passed over.
 */
export function readSources(paths: readonly string[], findings: Findings): SourceText[] {
  const sources = readFiles(paths, 'graph', findings, (path) => noFiles(path, findings));
  if (sources.length === 0 && paths[0] !== undefined && !findings.hasErrors) noFiles(paths[0], findings);
  return sources;
}

function noFiles(path: string, findings: Findings): void {
  findings.add(
    'no-files',
    placeOf(path),
    `${path} holds no .yaml or .yml file of a graph.`,
    'Name the folder of the graph. Files that end in .test.yaml hold tests of one.',
  );
}

/** The files of tests among these paths, in folders below them, and beside a named file: `shop.test.yaml` for `shop.yaml`. */
export function readTestSources(paths: readonly string[], findings: Findings): SourceText[] {
  return readFiles(paths, 'tests', findings, () => undefined);
}

function readFiles(
  paths: readonly string[],
  kind: FileKind,
  findings: Findings,
  empty: (path: string) => void,
): SourceText[] {
  const faults = { unreadable: (path: string, error: unknown) => unreadable(path, error, findings), empty };
  const files = listFilesSync(paths, faults, kind);
  if (files.length > MAX_FILES) {
    findings.add(
      'too-many-files',
      undefined,
      `${files.length} files were found; a graph has at most ${MAX_FILES}.`,
      'Name the folder that holds only the graph.',
    );
    return [];
  }
  const sources: SourceText[] = [];
  let total = 0;
  for (const file of files) {
    const text = readBounded(file, MAX_GRAPH_BYTES - total, findings);
    if (text === undefined) continue;
    total += Buffer.byteLength(text);
    sources.push(new SourceText(file, text));
  }
  return sources;
}

/** One file, whatever its name. */
export function readSource(file: string, findings: Findings): SourceText | undefined {
  const text = readBounded(file, MAX_FILE_BYTES, findings);
  return text === undefined ? undefined : new SourceText(file, text);
}

/**
 * The files that `readSources` would read now, whether or not they are readable. Leaves out paths that do not exist, and
 * files beyond the limit of a graph.
 */
export async function graphFiles(paths: readonly string[]): Promise<readonly string[]> {
  const files = await listFiles(paths, { unreadable: () => undefined, empty: () => undefined });
  return files.slice(0, MAX_FILES + 1);
}

function placeOf(file: string) {
  return { source: new SourceText(file, ''), offset: 0 };
}

/** Reads no more than the bound even where the file grows meanwhile or is no regular file. */
function readBounded(file: string, left: number, findings: Findings): string | undefined {
  const bound = Math.min(MAX_FILE_BYTES, left);
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    return unreadable(file, error, findings);
  }
  try {
    const size = fstatSync(descriptor).size;
    if (size > bound) return tooLarge(file, size, findings);
    const chunks: Buffer[] = [];
    let length = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(1 << 16);
      const read = readSync(descriptor, chunk, 0, chunk.length, null);
      if (read === 0) return decode(file, Buffer.concat(chunks, length), findings);
      chunks.push(chunk.subarray(0, read));
      length += read;
      if (length > bound) return tooLarge(file, length, findings);
    }
  } catch (error) {
    return unreadable(file, error, findings);
  } finally {
    closeSync(descriptor);
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: 'No such file. Check the path; it counts from the current folder.',
  EACCES: 'This user may not read it. Change its permissions, or run as a user who may.',
};

function unreadable(file: string, error: unknown, findings: Findings): undefined {
  const reason = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
  findings.add(
    'file-unreadable',
    placeOf(file),
    `${file} cannot be read (${reason}).`,
    REMEDIES[reason] ?? 'Name a graph file, or a folder of them.',
  );
}

function tooLarge(file: string, size: number, findings: Findings): undefined {
  findings.add(
    'file-too-large',
    placeOf(file),
    `${file} has ${size.toLocaleString('en')} bytes; a graph file has at most ${MAX_FILE_BYTES.toLocaleString('en')}, all files of a graph ${MAX_GRAPH_BYTES.toLocaleString('en')}.`,
    'Is this really a graph? Split a large one into a folder of files.',
  );
}

function decode(file: string, bytes: Uint8Array, findings: Findings): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    findings.add('not-utf8', placeOf(file), `${file} is not UTF-8 text.`, 'Save it as UTF-8.');
    return undefined;
  }
}
