/**
 * Who a process is, in a file that others can check: whether it still lives. Its number alone does not say: it means
 * something on one host and in one container, and one day it is another process's.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { readInputFile } from './input-file.ts';

export interface ProcessMark {
  /** Tells two marks of one process apart. */
  readonly id: string;
  /** Where `pid` means something: the host since it was started, and the container. */
  readonly place: string;
  readonly pid: number;
  /** When it began, where the system tells: one day its number is another process's. */
  readonly began?: string | undefined;
  /** Milliseconds within which it ends, written when it begins to stop. Absent: it goes on. */
  readonly endsWithin?: number | undefined;
}

/** A mark has a few hundred bytes. */
const MAX_BYTES = 4_096;

export function ownMark(): ProcessMark {
  return {
    id: randomUUID(),
    place: ownPlace(),
    pid: process.pid,
    began: statusOf(process.pid)?.began,
  };
}

/**
 * Makes a file with this text where there is none, whole or not at all.
 *
 * @returns whether it did. @throws Error of the system, with a `code`.
 */
export function leaveMark(file: string, text: string): boolean {
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
    // On a full disk there is room for the name and not for the text; nobody could tell whose it is.
    rmSync(file, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** @throws InputFault, or Error of the system, where it cannot be read. */
export function markText(file: string): string {
  return readInputFile(file, MAX_BYTES).toString('utf8');
}

/** @param text of a file; one that is no mark has no members. */
export function parseMark(text: string): Partial<ProcessMark> {
  try {
    const { id, place, pid, began, endsWithin } = JSON.parse(text) as Record<string, unknown>;
    return {
      ...(typeof id === 'string' ? { id } : {}),
      ...(typeof place === 'string' ? { place } : {}),
      ...(typeof pid === 'number' && Number.isInteger(pid) && pid > 0 ? { pid } : {}),
      ...(typeof began === 'string' ? { began } : {}),
      ...(typeof endsWithin === 'number' && endsWithin >= 0 ? { endsWithin } : {}),
    };
  } catch {
    return {};
  }
}

/** @returns whether its process lives; undefined where that cannot be asked from here. */
export function isAlive({ place, pid, began }: Partial<ProcessMark>): boolean | undefined {
  if (pid === undefined || place !== ownPlace()) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // someone else's, and it lives
  }
  const status = statusOf(pid);
  return !status || (!status.hasEnded && (began === undefined || status.began === began));
}

function ownPlace(): string {
  const boot = read('/proc/sys/kernel/random/boot_id')?.trim();
  return [hostname(), boot, pidNamespace()].filter(Boolean).join(' ');
}

/** proc_pid_stat(5): the name stands in parentheses and may hold anything; the state comes next, the start 19 further. */
function statusOf(pid: number): { began: string | undefined; hasEnded: boolean } | undefined {
  const [state, ...rest] =
    read(`/proc/${pid}/stat`)
      ?.replace(/^.*\) /s, '')
      .split(' ') ?? [];
  return state === undefined ? undefined : { began: rest[18], hasEnded: state === 'Z' || state === 'X' };
}

/** Processes of two containers can have one number and one host name. */
function pidNamespace(): string | undefined {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return undefined;
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
