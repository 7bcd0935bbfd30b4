/**
 * Runs the demo, and ends whatever it started. Exit 0: all went as it should; 1: something did not; 2: wrong use.
 *
 *     npm run demo
 *     npm run demo -- --without paymentservice    with a service taken down, to see it fail
 *     npm run demo -- --nginx                     with an nginx before the frontend, which refuses large headers
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { WAYBILL, endAll } from './processes.ts';
import { DemoFailed, paint, progress } from './terminal.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'waybill-demo-'));
const SIGNAL_MS = 100;
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

function readOptions(): { without: string | undefined; nginx: boolean } | undefined {
  try {
    const options = { without: { type: 'string' }, nginx: { type: 'boolean' } } as const;
    const { without, nginx = false } = parseArgs({ options }).values;
    return { without, nginx };
  } catch {
    return undefined;
  }
}

async function run(): Promise<void> {
  const options = readOptions();
  if (!options) return end(2, 'The demo takes two options: --without <service>, --nginx');
  if (!existsSync(WAYBILL)) return end(1, 'The program is not built yet: run npm ci, or npm run build.');
  try {
    // Only now: it imports the built program.
    const { demo } = await import('./demo.ts');
    await demo({ ...options, folder });
    await end(0);
  } catch (error) {
    // Ctrl-C reaches the children too; where one of them ended first, it is still Ctrl-C that ends the demo.
    await setTimeout(SIGNAL_MS);
    const reason = error instanceof DemoFailed ? error.message : error;
    const text = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
    await end(1, `\n${paint.red('The demo failed:')} ${text}`);
  }
}

await run();
