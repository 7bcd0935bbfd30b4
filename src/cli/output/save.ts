/** Writes output files. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { WaybillError } from '../../errors.ts';

/**
 * @param target named in the message.
 * @throws WaybillError `output_failed` if a file operation in `act` fails.
 */
export function writingTo<Result>(target: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new WaybillError('output_failed', `${target} cannot be written (${error.code}).`, { cause: error });
  }
}

/** Writes to a file, a device or a pipe, in place. @throws WaybillError `output_failed` */
export function saveFile(file: string, text: string): void {
  writingTo(file, () => writeFileSync(file, text));
}

export interface Replacement {
  readonly file: string;
  readonly text: string;
  /** Of a new file. Default: what the process gives to all. */
  readonly mode?: number;
}

/**
 * Replaces files as a whole: all new files are on the disk before the first one replaces the old, so that a full disk
 * changes nothing. Modes, owners and links stay.
 *
 * @throws WaybillError `output_failed`
 */
export function replaceFiles(replacements: readonly Replacement[]): void {
  const drafts: { readonly draft: string; readonly target: string }[] = [];
  try {
    for (const { file, text, mode } of replacements)
      writingTo(file, () => {
        const target = realpathOf(file);
        const draft = `${target}.${randomBytes(6).toString('hex')}`;
        drafts.push({ draft, target });
        writeDraft(draft, text, target, mode);
      });
    for (const { draft, target } of drafts) writingTo(target, () => renameSync(draft, target));
  } finally {
    for (const { draft } of drafts) rmSync(draft, { force: true });
  }
}

function writeDraft(draft: string, text: string, target: string, mode?: number): void {
  const old = statSync(target, { throwIfNoEntry: false });
  const descriptor = openSync(draft, 'wx', mode);
  try {
    if (old) {
      if (old.uid !== fstatSync(descriptor).uid) fchownSync(descriptor, old.uid, old.gid);
      fchmodSync(descriptor, old.mode & 0o7777);
    }
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function realpathOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file; // it does not exist yet
  }
}

export function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';
}
