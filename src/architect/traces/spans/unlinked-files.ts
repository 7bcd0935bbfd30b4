/**
 * Temporary files that no other process can open. They are unlinked as soon as they are open, so nothing is left
 * however the process ends. Windows cannot unlink open files: there `close` removes them.
 */
import {
  appendFileSync,
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { WaybillError } from '../../../errors.ts';

export class UnlinkedFiles {
  readonly #parent: string;
  readonly #folder: string;
  readonly #open: number[] = [];

  /** @param parent the folder that determines the disk. @throws WaybillError `output_failed` */
  constructor(parent: string, count: number) {
    this.#parent = parent;
    this.#folder = this.#writing(() => mkdtempSync(join(parent, 'waybill-spans-')));
    try {
      for (let index = 0; index < count; index++)
        this.#open.push(this.#writing(() => openSync(join(this.#folder, String(index)), 'wx+', 0o600)));
      this.#removeNames();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** @throws WaybillError `output_failed` */
  append(index: number, text: string): void {
    this.#writing(() => appendFileSync(this.#open[index]!, text));
  }

  /** Bytes. */
  size(index: number): number {
    return fstatSync(this.#open[index]!).size;
  }

  /** Reads a file and empties it; do not write to it again. */
  take(index: number): string {
    const file = this.#open[index]!;
    const bytes = Buffer.allocUnsafe(this.size(index));
    for (let at = 0; at < bytes.length;) at += readSync(file, bytes, at, bytes.length - at, at);
    ftruncateSync(file);
    return bytes.toString('utf8');
  }

  close(): void {
    for (const file of this.#open.splice(0)) closeSync(file);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #writing<Result>(act: () => Result): Result {
    try {
      return act();
    } catch (cause) {
      const { code = 'unknown reason' } = cause as NodeJS.ErrnoException;
      throw new WaybillError(
        'output_failed',
        `The temporary folder ${this.#parent} cannot be written (${code}). Set TMPDIR to another folder.`,
        { cause },
      );
    }
  }

  #removeNames(): void {
    try {
      rmSync(this.#folder, { recursive: true, force: true });
    } catch {
      // Windows: the folder is not empty while its files are open.
    }
  }
}
