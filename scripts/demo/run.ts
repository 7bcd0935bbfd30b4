/** The life of a demo: a folder for its files, and an end that leaves no process behind, however it comes. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { WAYBILL, endAll } from './processes.ts';
import { DemoFailed, paint, progress } from './terminal.ts';

const SIGNAL_MS = 100;

/** Runs it and ends this process: exit 0 if it went as it should, 1 if it threw, 128 and more after a signal. */
export async function runDemo(demo: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'waybill-demo-'));
  let ending = false;

  async function end(status: number, message = ''): Promise<void> {
    if (ending) return;
    ending = true;
    progress();
    if (message !== '') console.error(message);
    await endAll();
    rmSync(folder, { recursive: true, force: true });
    process.exit(status);
  }

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => void end(128 + constants.signals[signal]));
  // Whoever reads the output may stop early, as `head` does.
  process.stdout.on('error', () => void end(1));
  process.on('uncaughtException', (error) => void end(1, error.stack));

  if (!existsSync(WAYBILL)) return end(1, 'The program is not built yet: run npm ci, or npm run build.');
  try {
    await demo(folder);
    await end(0);
  } catch (error) {
    // Ctrl-C reaches the children too; where one of them ended first, it is still Ctrl-C that ends the demo.
    await setTimeout(SIGNAL_MS);
    const reason = error instanceof DemoFailed ? error.message : error;
    const text = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
    await end(1, `\n${paint.red('The demo failed:')} ${text}`);
  }
}
