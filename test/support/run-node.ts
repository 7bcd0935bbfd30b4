/** Runs a script of the repository as its own process, to its end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';

const root = path.resolve(import.meta.dirname, '../..');

export interface Outcome {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

/** @param options those of Node, the script, and its own. */
export async function runNode(...options: readonly string[]): Promise<Outcome> {
  const child = spawn(process.execPath, options, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, errors, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  return { status, output, errors };
}
