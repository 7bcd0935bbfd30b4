/** The demo's child processes. Whatever is started here is ended by `endAll`, however the demo ends. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');
export const WAYBILL = path.join(ROOT, 'dist/cli/main.js');
export const GRAPH = 'graphs/demo';

const PATIENCE_MS = 2000;
const running = new Set<ChildProcess>();

export function owned<Child extends ChildProcess>(child: Child): Child {
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.once('error', () => running.delete(child));
  return child;
}

export async function endAll(): Promise<void> {
  while (running.size > 0) await Promise.all([...running].map(end));
}

export async function end(child: ChildProcess): Promise<void> {
  if (!running.has(child)) return;
  const ended = once(child, 'exit');
  const impatient = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  child.kill();
  await ended;
  clearTimeout(impatient);
}
