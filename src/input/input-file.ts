/** Reads files that a person named, some of them again while the process runs: a pipe in their place must not hang it. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { InputFault } from './json-input.ts';

/** Without this flag, opening or reading a pipe waits for its other end. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * @param maxBytes of the whole file; whole KiB.
 * @throws InputFault for a larger file, and for what is no file: a folder, a pipe, a device; Error of the system, with a
 *   `code`, where it cannot be read.
 */
export function readInputFile(path: string, maxBytes: number): Buffer {
  const descriptor = openSync(path, FLAGS);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw new InputFault('it is not a file');
    let bytes = Buffer.allocUnsafe(Math.min(stats.size, maxBytes) + 1);
    let length = 0;
    for (;;) {
      const read = readSync(descriptor, bytes, length, bytes.length - length, null);
      length += read;
      if (read === 0) return bytes.subarray(0, length);
      if (length > maxBytes) throw new InputFault(`it is larger than ${sizeText(maxBytes)}`);
      // Some file systems report no size, and some files grow.
      if (length === bytes.length) bytes = Buffer.concat([bytes], Math.min(2 * length, maxBytes) + 1);
    }
  } finally {
    closeSync(descriptor);
  }
}

function sizeText(bytes: number): string {
  return bytes >= 1 << 20 ? `${bytes / (1 << 20)} MiB` : `${bytes / 1024} KiB`;
}
