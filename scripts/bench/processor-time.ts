/** CPU time of a running server, as the system keeps it: of its threads, and of the processes that it started. Linux alone. */
import { readFileSync, readdirSync } from 'node:fs';

/**
 * Microseconds so far. `/proc/PID/stat` counts in ticks of 10 ms; the scheduler's own account of each thread is in
 * nanoseconds. Threads that ended are not in it, which those of Node do not do.
 */
export function processorTime(pids: readonly number[]): number {
  let nanoseconds = 0;
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const [running] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
      nanoseconds += Number(running);
    }
  }
  return nanoseconds / 1_000;
}

/** A process and those that it started. To look for them takes a while: that is for before a measurement. */
export function processesOf(pid: number): number[] {
  return [pid, ...descendantsOf(pid)];
}

function descendantsOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = parentOf(entry);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const below = (parent: number): number[] =>
    (children.get(parent) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(pid);
}

/** proc(5): `PID (NAME) STATE PARENT …`, and the name may hold anything. */
function parentOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined; // it ended in between
  }
}
