/**
 * A graph as it stood in a git revision. In: `REVISION:PATH`, as `git show` takes it. Out: a folder with copies of its
 * YAML files, which is gone after use. git itself is asked, without a shell; nothing of the work tree is touched.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { WaybillError } from '../../errors.ts';
import { interruptible } from '../output/interrupt.ts';
import { writingTo } from '../output/save.ts';

/** As for files: what a graph may have at the most. */
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_FILES = 2_000;
const GRAPH_FILE = /\.ya?ml$/;
/** A link or a submodule is no file of the revision. */
const FILE_MODES: ReadonlySet<string> = new Set(['100644', '100755']);

/**
 * @param use gets a path to read, and how places in it are called.
 * @throws WaybillError `usage` where git has no such revision or path; `output_failed` where copies cannot be written.
 */
export async function withRevision<Result>(
  argument: string,
  use: (path: string, shownAs: (place: string) => string) => Result,
): Promise<Result> {
  const at = argument.indexOf(':');
  if (at < 1 || existsSync(argument)) return use(argument, (place) => place);
  const [revision, inside] = [argument.slice(0, at), argument.slice(at + 1)];
  return interruptible(() =>
    withFolder((folder) =>
      use(checkOut(revision, inside, folder), (place) =>
        place.startsWith(folder) ? `${revision}:${place.slice(folder.length + 1)}` : place,
      ),
    ),
  );
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
    throw new WaybillError(
      'usage',
      `${revision}:${inside} is neither a file or folder here nor one of a git revision. A path in a revision begins at the top of the repository, as in main:graphs/shop.`,
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
    throw new WaybillError(
      'usage',
      `${revision}:${inside} has ${files.length} YAML files; a graph has at most ${MAX_FILES}.`,
    );
  for (const file of files) left -= write(folder, path.posix.join(name, file.name), file.id, left);
  mkdirSync(path.join(folder, name), { recursive: true });
  return path.join(folder, name);
}

function kindOf(id: string): string {
  return git(['cat-file', '-t', id])?.toString().trim() ?? '';
}

/** The YAML files of a tree, those of folders below it too; names that begin with a dot are passed over. */
function filesOf(tree: string): { readonly name: string; readonly id: string }[] {
  const lines = git(['ls-tree', '-r', '-z', tree])?.toString().split('\0') ?? [];
  return lines.flatMap((line) => {
    const [meta = '', name = ''] = line.split('\t');
    const [mode = '', , id = ''] = meta.split(' ');
    const hidden = name.split('/').some((part) => part.startsWith('.'));
    return FILE_MODES.has(mode) && GRAPH_FILE.test(name) && !hidden ? [{ name, id }] : [];
  });
}

/** @returns its bytes. */
function write(folder: string, name: string, id: string, left: number): number {
  const content = git(['cat-file', 'blob', id], left);
  if (content === undefined)
    throw new WaybillError(
      'usage',
      `${name} cannot be read from git, or the graph is larger than ${MAX_BYTES} bytes.`,
    );
  const file = path.join(folder, name);
  // git lets no path lead out of its tree; a crafted one is refused here.
  if (!file.startsWith(folder + path.sep))
    throw new WaybillError('usage', `${name} leads out of the repository.`);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
  return content.length;
}

/** @returns what git prints; nothing where it fails, or prints more than the bound. */
function git(args: readonly string[], maxBuffer = MAX_BYTES): Buffer | undefined {
  const { status, stdout, error } = spawnSync('git', args, {
    maxBuffer: Math.max(1, maxBuffer),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  if (error && (error as NodeJS.ErrnoException).code === 'ENOENT')
    throw new WaybillError('usage', 'A revision was named, and git is not installed here.');
  return status === 0 && !error ? stdout : undefined;
}
