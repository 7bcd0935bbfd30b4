/**
 * Follows single files, wherever they lie: certificates and bundles, which agents write anew and orchestrators exchange
 * by way of links. They are looked at rather than watched, because a watch sees the link or the file, not both.
 */
import { statSync, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';

const LOOK_MS = 500;

export class FileFollower {
  readonly #changed: (files: readonly string[]) => void;
  readonly #timer: NodeJS.Timeout;
  /** By file: what tells a content from the next. */
  #marks = new Map<string, string>();
  /** Changed, and perhaps still being written. */
  readonly #unsettled = new Set<string>();
  #looking = false;

  /** @param changed is called once nothing has changed between two looks, so that a certificate comes with its key. */
  constructor(changed: (files: readonly string[]) => void) {
    this.#changed = changed;
    this.#timer = setInterval(() => void this.#look(), LOOK_MS).unref();
  }

  /** From now on these files and no others. Call it before they are read: every change from here on is told. */
  follow(files: Iterable<string>): void {
    this.#marks = new Map([...files].map((file) => [file, this.#marks.get(file) ?? markNow(file)]));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const looked = await Promise.all(
      [...this.#marks.keys()].map(async (file) => [file, await markOf(file)] as const),
    );
    this.#looking = false;
    const changed = looked.filter(([file, mark]) => this.#marks.has(file) && this.#marks.get(file) !== mark);
    for (const [file, mark] of changed) {
      this.#marks.set(file, mark);
      this.#unsettled.add(file);
    }
    if (changed.length > 0 || this.#unsettled.size === 0) return;
    const settled = [...this.#unsettled];
    this.#unsettled.clear();
    this.#changed(settled);
  }
}

const MISSING = 'missing';

async function markOf(file: string): Promise<string> {
  return stat(file).then(marked, () => MISSING);
}

function markNow(file: string): string {
  try {
    return marked(statSync(file));
  } catch {
    return MISSING;
  }
}

function marked({ ino, size, mtimeMs, ctimeMs }: Stats): string {
  return [ino, size, mtimeMs, ctimeMs].join(' ');
}
