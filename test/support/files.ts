/** Files and folders that a test writes. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Texts, or bytes, by path inside the folder. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

const made = new Set<string>();

/** A new empty folder. */
export function scratchFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'waybill-test-'));
  made.add(folder);
  return folder;
}

/** Call in `after`. */
export function removeScratch(): void {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
  made.clear();
}

/** @returns the path of a file with this content, in a folder of its own unless one is named. */
export function scratchFile(name: string, content: string | Uint8Array, folder = scratchFolder()): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

/** Writes the files to a folder that exists while `use` runs. */
export function withFolder<Result>(files: Files, use: (folder: string) => Result): Result {
  const folder = mkdtempSync(path.join(tmpdir(), 'waybill-test-'));
  try {
    for (const [name, content] of Object.entries(files)) scratchFile(name, content, folder);
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A text as UTF-16: little and big endian, each with a byte order mark and without. */
export function utf16(text: string): readonly Buffer[] {
  return [`\ufeff${text}`, text].flatMap((marked) => {
    const little = Buffer.from(marked, 'utf16le');
    return [little, Buffer.from(little).swap16()];
  });
}
