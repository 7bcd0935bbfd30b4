/** What the limit on file descriptors leaves room for. Where they run out, Node closes connections without a word. */
import { readFileSync } from 'node:fs';

/** File descriptors for all else: files, the store, what is fetched, other processes. */
const RESERVE = 128;

/** How many connections this process can have open; infinitely many where the limit is not known. */
export function roomForConnections(): number {
  const files = maxOpenFiles();
  return files - Math.min(RESERVE, Math.ceil(files / 2));
}

/** Node has raised the soft limit to the hard one. */
function maxOpenFiles(): number {
  try {
    const [, files] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return files === undefined ? Infinity : Number(files);
  } catch {
    return Infinity; // not Linux
  }
}
