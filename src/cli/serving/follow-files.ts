/**
 * Follows files: graphs, certificates, bundles, secrets. Editors and agents rewrite them, and orchestrators replace them,
 * or a folder of their path, through links. They are polled, not watched: a watch sees the link or the file, not both, and
 * ends with the folder.
 */
import { statSync, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { graphFiles } from '../../graph/index.ts';
import type { Steps } from '../../planning/index.ts';

const LOOK_MS = 500;
/** Files to check at a time; the process does other work in between. */
const AT_ONCE = 32;
/** The pause after a slow check (many files, a slow disk), as a multiple of the time that the check took. */
const REST = 4;
/** After this many checks in a row that find a change, it is reported anyway: some folders never settle. */
const MOST_CHANGES = 10;

/** For each file, what distinguishes one content from the next. */
type Marks = ReadonlyMap<string, string>;

export class FileFollower {
  #list: () => Promise<Iterable<string>> = async () => this.#marks.keys();
  #marks: Marks = new Map();
  /** Changes with each set of files. */
  #followed = 0;
  /** Changed, and perhaps still being written. */
  readonly #unsettled = new Set<string>();
  #changes = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /**
   * Replaces the files to follow. Run the steps before reading the files: every later change is reported, even one that
   * happens before `start`.
   */
  *follow(files: Iterable<string>): Steps<void> {
    const marks = new Map<string, string>();
    for (const file of files) {
      marks.set(file, this.#marks.get(file) ?? markNow(file));
      yield;
    }
    this.#marks = marks;
    this.#followed += 1;
  }

  /** The same for files that are listed at each check, so that an added or removed file is a change too. */
  async followListed(list: () => Promise<Iterable<string>>): Promise<void> {
    this.#list = list;
    this.#marks = await marksOf(await list());
    this.#followed += 1;
  }

  /**
   * @param changed called with the changed files once nothing changes between two checks, so that a certificate and its
   *   key arrive together; after some seconds if changes never stop.
   * @param keepsAlive whether the process runs on for this alone. Default: no.
   */
  start(changed: (files: readonly string[]) => void, { keepsAlive = false } = {}): void {
    const wait = (pause: number): void => {
      if (this.#isClosed) return;
      this.#timer = setTimeout(() => {
        const start = performance.now();
        void this.#look(changed).then(() => wait(Math.max(LOOK_MS, REST * (performance.now() - start))));
      }, pause);
      if (!keepsAlive) this.#timer.unref();
    };
    wait(LOOK_MS);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #look(changed: (files: readonly string[]) => void): Promise<void> {
    const followed = this.#followed;
    const marks = await marksOf(await this.#list());
    if (this.#isClosed || followed !== this.#followed) return;
    const before = this.#marks;
    this.#marks = marks;
    const files = new Set([...before.keys(), ...marks.keys()]);
    const fresh = [...files].filter((file) => before.get(file) !== marks.get(file));
    for (const file of fresh) this.#unsettled.add(file);
    this.#changes = fresh.length > 0 ? this.#changes + 1 : 0;
    if (this.#unsettled.size === 0 || (fresh.length > 0 && this.#changes < MOST_CHANGES)) return;
    const settled = [...this.#unsettled];
    this.#unsettled.clear();
    this.#changes = 0;
    changed(settled);
  }
}

/**
 * Call it before reading the graph: every later change is reported after `start`, of what its files hold, where they lie,
 * or which they are.
 *
 * @param paths of the graph; folders are listed at each check as they are for reading.
 */
export async function followGraph(paths: readonly string[]): Promise<FileFollower> {
  const follower = new FileFollower();
  await follower.followListed(() => graphFiles(paths));
  return follower;
}

const MISSING = 'missing';

async function marksOf(files: Iterable<string>): Promise<Marks> {
  const all = [...files];
  const marks = new Map<string, string>();
  for (let at = 0; at < all.length; at += AT_ONCE) {
    const some = all.slice(at, at + AT_ONCE);
    const found = await Promise.all(
      some.map(async (file) =>
        stat(file).then(
          (stats) => markOf(stats),
          () => MISSING,
        ),
      ),
    );
    some.forEach((file, index) => marks.set(file, found[index] ?? MISSING));
  }
  return marks;
}

function markNow(file: string): string {
  try {
    return markOf(statSync(file));
  } catch {
    return MISSING;
  }
}

function markOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return [dev, ino, size, mtimeMs, ctimeMs].join(' ');
}
