/**
 * Reads a graph from a git revision: `REVISION:PATH`, as in `git show`. Copies its YAML files into a temporary folder.
 * Runs git without a shell; the work tree is not touched.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { usageError } from '../../errors.ts';
import { attempt } from '../../input/attempt.ts';
import { readInputFile } from '../../input/input-file.ts';
import { interruptible } from '../output/interrupt.ts';
import { writingTo } from '../output/save.ts';

/** The same limits as for graphs in files. */
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_FILES = 2_000;
const GRAPH_FILE = /(?<!\.vars)\.ya?ml$/;
/** Links and submodules are left out. */
const FILE_MODES: ReadonlySet<string> = new Set(['100644', '100755']);

/**
 * @param use gets the paths to read, a function that turns places in them into those that the user named, and one that
 *   reads a file that the graph names, as it is in the same revision: paths in a graph start at the working directory.
 * @throws WaybillError `usage` if git has no such revision or path; `output_failed` if copies cannot be written.
 */
export async function withRevisions<Result>(
  paths: readonly string[],
  use: (paths: readonly string[], shownAs: (place: string) => string, readNamed: ReadNamed) => Result,
): Promise<Result> {
  const sources = paths.map(sourceOf);
  if (sources.every(({ revision }) => revision === undefined)) return use(paths, (place) => place, readHere);
  return interruptible(() =>
    withFolder((folder) => {
      const copies = new Map<string, string>();
      const read = sources.map(({ revision, path: inside }, index) => {
        if (revision === undefined) return inside;
        const copy = path.join(folder, String(index));
        copies.set(copy + path.sep, `${revision}:`);
        return checkOut(revision, inside, copy);
      });
      const shownAs = (place: string): string => {
        for (const [copy, shown] of copies)
          if (place.startsWith(copy)) return shown + place.slice(copy.length);
        return place;
      };
      const revision = sources.find((source) => source.revision !== undefined)?.revision ?? '';
      return use(read, shownAs, (file) => readAt(revision, file));
    }),
  );
}

/** @returns undefined where there is no such file, or a larger one. */
export type ReadNamed = (file: string) => Uint8Array | undefined;

/** A file of keys. */
const MAX_NAMED = 256 * 1024;

function readHere(file: string): Uint8Array | undefined {
  return attempt(() => readInputFile(file, MAX_NAMED));
}

/** A path outside the repository is the same for every revision. */
function readAt(revision: string, file: string): Uint8Array | undefined {
  if (path.isAbsolute(file)) return readHere(file);
  return git(['cat-file', 'blob', `${revision}:./${file}`], MAX_NAMED);
}

interface GraphSource {
  /** Absent: a file or folder that is there. */
  readonly revision?: string;
  readonly path: string;
}

function sourceOf(argument: string): GraphSource {
  const at = argument.indexOf(':');
  if (at < 1 || existsSync(argument)) return { path: argument };
  return { revision: argument.slice(0, at), path: argument.slice(at + 1) };
}

function withFolder<Result>(use: (folder: string) => Result): Result {
  const parent = tmpdir();
  const folder = writingTo(parent, () => realpathSync(mkdtempSync(path.join(parent, 'waybill-diff-'))));
  try {
    return writingTo(folder, () => use(folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns the copy of the file or folder that was named. */
function checkOut(revision: string, inside: string, folder: string): string {
  const name = inside.replace(/(?<!\/)\/+$/, '');
  const object = git(['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}:${name}`]);
  if (object === undefined) {
    const known = git(['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{tree}`]);
    throw usageError(
      known === undefined
        ? `${revision}:${inside} is neither a file or folder nor a path in a git revision: git knows no revision ${revision} here.`
        : `${revision}:${inside} is neither a file or folder nor a path in a git revision: ${revision} is a revision, and has no ${name}. Paths in a revision start at the top of the repository, as in main:graphs/shop.`,
    );
  }
  const id = object.toString().trim();
  if (kindOf(id) === 'blob') {
    write(folder, name, id, MAX_BYTES);
    return path.join(folder, name);
  }
  let left = MAX_BYTES;
  const files = filesOf(id);
  if (files.length > MAX_FILES)
    throw usageError(
      `${revision}:${inside} has ${files.length} YAML files; a graph has at most ${MAX_FILES}.`,
    );
  for (const file of files) left -= write(folder, path.posix.join(name, file.name), file.id, left);
  mkdirSync(path.join(folder, name), { recursive: true });
  return path.join(folder, name);
}

function kindOf(id: string): string {
  return git(['cat-file', '-t', id])?.toString().trim() ?? '';
}

/** The YAML files of a tree and its folders; names that begin with a dot are skipped. */
function filesOf(tree: string): { readonly name: string; readonly id: string }[] {
  const lines = git(['ls-tree', '-r', '-z', tree])?.toString().split('\0') ?? [];
  return lines.flatMap((line) => {
    const [meta = '', name = ''] = line.split('\t');
    const [mode = '', , id = ''] = meta.split(' ');
    const hidden = name.split('/').some((part) => part.startsWith('.'));
    return FILE_MODES.has(mode) && GRAPH_FILE.test(name) && !hidden ? [{ name, id }] : [];
  });
}

function write(folder: string, name: string, id: string, left: number): number {
  const content = git(['cat-file', 'blob', id], left);
  if (content === undefined)
    throw usageError(`${name} cannot be read from git, or the graph is larger than ${MAX_BYTES} bytes.`);
  const file = path.join(folder, name);
  // git allows no path that leads out of its tree; this refuses a crafted one.
  if (!file.startsWith(folder + path.sep)) throw usageError(`${name} leads out of the repository.`);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
  return content.length;
}

/** @returns what git prints, or undefined if it fails or prints more than `maxBuffer`. */
function git(args: readonly string[], maxBuffer = MAX_BYTES): Buffer | undefined {
  const { status, stdout, error } = spawnSync('git', args, {
    maxBuffer: Math.max(1, maxBuffer),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  if (error && (error as NodeJS.ErrnoException).code === 'ENOENT')
    throw usageError('Comparing a revision needs git, which is not installed.');
  return status === 0 && !error ? stdout : undefined;
}
