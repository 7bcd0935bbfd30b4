/**
 * One process at a time changes a key file: whoever makes the file `<key file>.lock` may. It holds a random text, so
 * that its holder knows it again. A lock left by a process that died is seen by its text staying the same for longer
 * than any change takes; clocks of several machines are not compared.
 *
 * Two that break one such lock in the same instant could both go on. What they write then differs in the fresh `next`
 * key alone, which has signed nothing: the key that becomes active was in the file before.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** A change reads, makes a key or two, and writes: with RSA, on a busy machine, a second or two. */
const STALE_MS = 10_000;
const RETRY_MS = 50;

/**
 * @param act is given what says whether the lock is still held: a process may have stood still for longer than the
 *   others wait.
 * @param staleAfter milliseconds after which an unchanged lock is taken for left behind.
 * @throws what `act` throws; the system's error where no lock can be made.
 */
export async function withLock<Result>(
  path: string,
  act: (isHeld: () => boolean) => Promise<Result>,
  staleAfter = STALE_MS,
): Promise<Result> {
  const lock = `${path}.lock`;
  const mark = randomBytes(12).toString('hex');
  await take(lock, mark, staleAfter);
  const isHeld = (): boolean => markIn(lock) === mark;
  try {
    return await act(isHeld);
  } finally {
    if (isHeld()) remove(lock);
  }
}

/** Pauses are on the monotonic clock: a wall clock that is set must not break a lock. */
async function take(lock: string, mark: string, staleAfter: number): Promise<void> {
  let seen: string | undefined;
  let since = performance.now();
  while (!make(lock, mark)) {
    const found = markIn(lock);
    if (found !== seen) {
      seen = found;
      since = performance.now();
    } else if (found !== undefined && performance.now() - since >= staleAfter) {
      remove(lock);
      continue;
    }
    await pause(RETRY_MS);
  }
}

function make(lock: string, mark: string): boolean {
  try {
    writeFileSync(lock, mark, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function markIn(lock: string): string | undefined {
  try {
    return readFileSync(lock, 'utf8');
  } catch {
    return undefined;
  }
}

function remove(lock: string): void {
  try {
    unlinkSync(lock);
  } catch {
    // Another one removed it first.
  }
}
