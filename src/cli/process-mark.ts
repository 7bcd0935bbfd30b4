/** Who a process is, in words that another one can check: whether it still lives. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessMark {
  /** Where `pid` means something: the host since it was started, and the container. */
  readonly place: string;
  readonly pid: number;
  /** When it began, where the system tells: one day its number is another process's. */
  readonly began?: string | undefined;
}

export function ownMark(): ProcessMark {
  const boot = read('/proc/sys/kernel/random/boot_id')?.trim();
  return {
    place: [hostname(), boot, pidNamespace()].filter(Boolean).join(' '),
    pid: process.pid,
    began: statusOf(process.pid)?.began,
  };
}

/** @param mark of a process in the place of this one. */
export function isAlive({ pid, began }: ProcessMark): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // someone else's, and it lives
  }
  const status = statusOf(pid);
  return !status || (!status.hasEnded && (began === undefined || status.began === began));
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
