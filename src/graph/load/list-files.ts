/**
 * Lists the files of a graph. Written as steps that yield each file system operation, so that one listing serves both the
 * reader of a graph, in one go, and the check for changes, beside other work.
 */
import { readdirSync, statSync, type Dirent, type Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

const MAX_FOLDER_DEPTH = 16;
/** Files of values for variables lie beside graphs: `prod.vars.yaml`. */
const GRAPH_FILE = /(?<!\.vars)\.ya?ml$/;

/** What to do about a path that leads to no file. */
export interface ListingFaults {
  /** Called for a path, or a folder below one, that cannot be read. */
  readonly unreadable: (path: string, error: unknown) => void;
  /** Called for a named folder without a graph file. */
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
 * @returns each file once, in the order of their paths.
 */
export function listFilesSync(paths: readonly string[], faults: ListingFaults): string[] {
  const listing = filesOf(paths, faults);
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

/** The same, asynchronously. */
export async function listFiles(paths: readonly string[], faults: ListingFaults): Promise<string[]> {
  const listing = filesOf(paths, faults);
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

function* filesOf(paths: readonly string[], faults: ListingFaults): Listing<string[]> {
  const files = new Set<string>();
  for (const path of paths) {
    const isFolder = yield* isFolderAt(path, faults);
    if (isFolder === false) files.add(path);
    if (isFolder !== true) continue;
    const found = yield* filesBelow(path, faults, 0);
    for (const file of found) files.add(file);
    if (found.length === 0) faults.empty(path);
  }
  return [...files].sort();
}

function* isFolderAt(path: string, faults: ListingFaults): Listing<boolean | undefined> {
  try {
    return ((yield { ask: 'status', path }) as Stats).isDirectory();
  } catch (error) {
    faults.unreadable(path, error);
    return undefined;
  }
}

function* filesBelow(folder: string, faults: ListingFaults, depth: number): Listing<string[]> {
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
    if (entry.isDirectory()) for (const file of yield* filesBelow(path, faults, depth + 1)) files.push(file);
    else if (GRAPH_FILE.test(entry.name) && !(yield* leadsElsewhere(path, entry))) files.push(path);
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
