/**
 * One process at a time changes a key file: the one that creates `<key file>.lock`. The lock names its process. A lock of
 * an ended process of this host is broken at once; one of another host counts as abandoned when it stays the same for
 * longer than any change takes. Clocks of several machines are not compared.
 *
 * Two processes that break such a lock at the same instant could both continue. Their files then differ only in the new
 * `next` key, which has signed nothing: the key that becomes active was in the file before.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, renameSync, rmSync, statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { WaybillError } from '../../errors.ts';
import { isRunning, createLockFile, readLockFile, currentOwner, parseLockOwner } from './lock-owner.ts';

/** A change takes a second or two with RSA on a busy machine. */
const STALE_MS = 10_000;
const RETRY_MS = 50;

/**
 * @param act gets a function that says whether the lock is still held: a process may have been suspended for longer than
 *   the others wait.
 * @param staleAfter milliseconds after which an unchanged lock counts as abandoned, whoever made it.
 * @throws what `act` throws; the system's error if no lock can be created; WaybillError `keys_invalid` if the path of the
 *   lock is not a file.
 */
export async function withLock<Result>(
  path: string,
  act: (isHeld: () => boolean) => Promise<Result>,
  staleAfter = STALE_MS,
): Promise<Result> {
  const lock = `${path}.lock`;
  const own = JSON.stringify(currentOwner());
  await take(lock, own, staleAfter);
  const isHeld = (): boolean => stateOf(lock) === own;
  try {
    return await act(isHeld);
  } finally {
    if (isHeld()) rmSync(lock, { force: true });
  }
}

/** Measured with the monotonic clock: setting the wall clock must not break a lock. */
async function take(lock: string, own: string, staleAfter: number): Promise<void> {
  let seen: string | undefined;
  let since = performance.now();
  while (!createLockFile(lock, own)) {
    const found = stateOf(lock);
    if (found !== seen) {
      seen = found;
      since = performance.now();
    }
    if (found === undefined) continue; // its holder is done
    if (performance.now() - since >= staleAfter || isRunning(parseLockOwner(found)) === false) {
      breakLock(lock, found);
      continue;
    }
    await pause(RETRY_MS);
  }
}

/** The text of a lock, or another value that identifies it; undefined: there is no lock. */
function stateOf(lock: string): string | undefined {
  const stats = statSync(lock, { throwIfNoEntry: false });
  if (!stats) return undefined;
  if (!stats.isFile())
    throw new WaybillError(
      'keys_invalid',
      `${lock} is not a lock file of Waybill. Move it away; nothing was written.`,
    );
  try {
    return readLockFile(lock);
  } catch {
    return `${stats.ino} ${stats.ctimeMs}`; // it belongs to another user, or is gone by now
  }
}

/** Another process may have broken the lock meanwhile and made its own: that one is put back. */
function breakLock(lock: string, seen: string): void {
  const aside = `${lock}.${randomBytes(6).toString('hex')}`;
  try {
    renameSync(lock, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    const moved = stateOf(aside);
    if (moved !== seen && isRunning(parseLockOwner(moved ?? '')) !== false) linkSync(aside, lock);
  } catch {
    // A third process has made a lock meanwhile; the one that lost its lock notices before it writes.
  } finally {
    rmSync(aside, { force: true });
  }
}
