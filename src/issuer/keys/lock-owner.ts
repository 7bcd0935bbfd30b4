/**
 * Identifies a process in a file, so that others can check whether it still runs. Its id alone is not enough: it is valid
 * on one host and in one container, and is reused one day.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { attempt } from '../../input/attempt.ts';
import { readInputFile } from '../../input/input-file.ts';

export interface LockOwner {
  /** Distinguishes two locks of one process. */
  readonly id: string;
  /** Where `pid` is valid: the host since its boot, and the container. */
  readonly place: string;
  readonly pid: number;
  /** Start time, if the system reports it: the id is reused one day. */
  readonly began?: string | undefined;
  /** Milliseconds within which it ends, written when it begins to stop. Absent: it goes on. */
  readonly endsWithin?: number | undefined;
}

/** A lock file has a few hundred bytes. */
const MAX_BYTES = 4_096;

export function currentOwner(): LockOwner {
  return {
    id: randomUUID(),
    place: ownPlace(),
    pid: process.pid,
    began: statusOf(process.pid)?.began,
  };
}

/**
 * Creates a file with this text unless it exists, whole or not at all.
 *
 * @returns whether it did. @throws Error of the system, with a `code`.
 */
export function createLockFile(file: string, text: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  try {
    writeFileSync(descriptor, text);
    return true;
  } catch (error) {
    // A full disk may have room for the name but not for the text, and a file without text names no owner.
    rmSync(file, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** @throws InputFault, or Error of the system, where it cannot be read. */
export function readLockFile(file: string): string {
  return readInputFile(file, MAX_BYTES).toString('utf8');
}

/** @param text of a lock file; an invalid one counts as an empty lock. */
export function parseLockOwner(text: string): Partial<LockOwner> {
  const owner = (attempt<unknown>(() => JSON.parse(text)) ?? {}) as Record<string, unknown>;
  const { id, place, pid, began, endsWithin } = owner;
  return {
    ...(typeof id === 'string' ? { id } : {}),
    ...(typeof place === 'string' ? { place } : {}),
    ...(typeof pid === 'number' && Number.isInteger(pid) && pid > 0 ? { pid } : {}),
    ...(typeof began === 'string' ? { began } : {}),
    ...(typeof endsWithin === 'number' && endsWithin >= 0 ? { endsWithin } : {}),
  };
}

/** @returns whether its process runs; undefined if that cannot be checked from here. */
export function isRunning({ place, pid, began }: Partial<LockOwner>): boolean | undefined {
  if (pid === undefined || place !== ownPlace()) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // it runs and belongs to another user
  }
  const status = statusOf(pid);
  return !status || (!status.hasEnded && (began === undefined || status.began === began));
}

function ownPlace(): string {
  const boot = read('/proc/sys/kernel/random/boot_id')?.trim();
  // Processes of two containers can have the same id and host name.
  const pidNamespace = attempt(() => readlinkSync('/proc/self/ns/pid'));
  return [hostname(), boot, pidNamespace].filter(Boolean).join(' ');
}

/** proc_pid_stat(5): the name stands in parentheses and may hold anything; the state comes next, the start 19 further. */
function statusOf(pid: number): { began: string | undefined; hasEnded: boolean } | undefined {
  const [state, ...rest] =
    read(`/proc/${pid}/stat`)
      ?.replace(/^.*\) /s, '')
      .split(' ') ?? [];
  return state === undefined ? undefined : { began: rest[18], hasEnded: state === 'Z' || state === 'X' };
}

function read(file: string): string | undefined {
  return attempt(() => readFileSync(file, 'utf8'));
}
