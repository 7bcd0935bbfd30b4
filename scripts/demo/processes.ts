/** The demo's child processes. Whatever is started here is ended by `endAll`, however the demo ends. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { DemoFailed } from './terminal.ts';

export const ROOT = path.resolve(import.meta.dirname, '../..');
export const WAYBILL = path.join(ROOT, 'dist/cli/main.js');
export const GRAPH = 'graphs/online-boutique.yaml';

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

/** Sends a question to a child that gives one answer to each, and takes one at a time. */
export function ask(child: ChildProcess, name: string, question: object | string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new DemoFailed(`${name} ended before it answered`));
    child.once('exit', gone);
    child.once('message', (answer) => {
      child.off('exit', gone);
      resolve(answer);
    });
    child.send(question, (error) => error && gone());
  });
}
