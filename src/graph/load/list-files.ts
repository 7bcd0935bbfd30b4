/**
 * Lists the files of a graph, or those with its tests. Written as steps that yield each file system operation, so that one listing serves both the
 * reader of a graph, in one go, and the check for changes, beside other work.
 */
import { readdirSync, statSync, type Dirent, type Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

const MAX_FOLDER_DEPTH = 16;
/** Files of values for variables lie beside graphs: `prod.vars.yaml`. */
const YAML_FILE = /(?<!\.vars)\.ya?ml$/;
/** Assertions about a graph: never part of it. */
const TEST_FILE = /\.test\.ya?ml$/;

export type FileKind = 'graph' | 'tests';

function isOfKind(path: string, kind: FileKind): boolean {
  return YAML_FILE.test(path) && TEST_FILE.test(path) === (kind === 'tests');
}

/** What to do about a path that leads to no file. */
export interface ListingFaults {
  /** Called for a path, or a folder below one, that cannot be read. */
  readonly unreadable: (path: string, error: unknown) => void;
  /** Called for a named folder without a file of the kind. */
  readonly empty: (path: string) => void;
}

interface Question {
  readonly ask: 'status' | 'entries';
  readonly path: string;
}

type Listing<Result> = Generator<Question, Result, unknown>;

/**
 * @param paths files, or folders whose `.yaml` and `.yml` files count, folders below them too; names that begin with a
 *   dot are passed over.
 * @param kind `graph`: all but those that end in `.test.yaml` or `.test.yml`; `tests`: these alone, and `shop.test.yaml`
 *   beside a named file `shop.yaml`.
 * @returns each file once, in the order of their paths.
 */
export function listFilesSync(
  paths: readonly string[],
  faults: ListingFaults,
  kind: FileKind = 'graph',
): string[] {
  const listing = filesOf(paths, faults, kind);
  let step = listing.next();
  while (!step.done) {
    const { ask, path } = step.value;
    try {
      step = listing.next(ask === 'status' ? statSync(path) : readdirSync(path, { withFileTypes: true }));
    } catch (error) {
      step = listing.throw(error);
    }
  }
  return step.value;
}

/** The files of a graph, asynchronously. */
export async function listFiles(paths: readonly string[], faults: ListingFaults): Promise<string[]> {
  const listing = filesOf(paths, faults, 'graph');
  let step = listing.next();
  while (!step.done) {
    const { ask, path } = step.value;
    const answer: Promise<unknown> = ask === 'status' ? stat(path) : readdir(path, { withFileTypes: true });
    step = await answer.then(
      (value) => listing.next(value),
      (error: unknown) => listing.throw(error),
    );
  }
  return step.value;
}

function* filesOf(paths: readonly string[], faults: ListingFaults, kind: FileKind): Listing<string[]> {
  const files = new Set<string>();
  for (const path of paths) {
    const isFolder = yield* isFolderAt(path, faults);
    if (isFolder === false) for (const file of yield* named(path, kind)) files.add(file);
    if (isFolder !== true) continue;
    const found = yield* filesBelow(path, faults, kind, 0);
    for (const file of found) files.add(file);
    if (found.length === 0) faults.empty(path);
  }
  return [...files].sort();
}

/** A file of a graph may have any ending; only that of a file of tests says something. */
function* named(path: string, kind: FileKind): Listing<string[]> {
  const isTest = TEST_FILE.test(path);
  if (kind === 'graph' || isTest) return isTest === (kind === 'tests') ? [path] : [];
  const beside = path.replace(YAML_FILE, '.test$&');
  const there = beside === path ? undefined : yield* isFolderAt(beside, { unreadable: () => undefined });
  return there === false ? [beside] : [];
}

function* isFolderAt(path: string, faults: Pick<ListingFaults, 'unreadable'>): Listing<boolean | undefined> {
  try {
    return ((yield { ask: 'status', path }) as Stats).isDirectory();
  } catch (error) {
    faults.unreadable(path, error);
    return undefined;
  }
}

function* filesBelow(
  folder: string,
  faults: ListingFaults,
  kind: FileKind,
  depth: number,
): Listing<string[]> {
  if (depth > MAX_FOLDER_DEPTH) return [];
  let entries: Dirent[];
  try {
    entries = (yield { ask: 'entries', path: folder }) as Dirent[];
  } catch (error) {
    faults.unreadable(folder, error);
    return [];
  }
  const files: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      for (const file of yield* filesBelow(path, faults, kind, depth + 1)) files.push(file);
    } else if (isOfKind(entry.name, kind) && !(yield* leadsElsewhere(path, entry))) files.push(path);
  }
  return files;
}

/**
 * Links to folders are not followed: a few that point upwards would make more paths than can be walked. Pipes and devices
 * are not opened, because they may never end. A broken link is listed; its reader reports it.
 */
function* leadsElsewhere(path: string, entry: Dirent): Listing<boolean> {
  if (!entry.isSymbolicLink()) return !entry.isFile();
  try {
    return !((yield { ask: 'status', path }) as Stats).isFile();
  } catch {
    return false;
  }
}
