/**
 * Runs the demo, and ends whatever it started. Exit 0: all went as it should; 1: something did not; 2: wrong use.
 *
 *     npm run demo
 *     npm run demo -- --without paymentservice    with a service taken down, to see it fail
 *     npm run demo -- --nginx                     with an nginx before the frontend, which refuses large headers
 */
import { parseArgs } from 'node:util';
import { runDemo } from './run.ts';

function readOptions(): { without: string | undefined; nginx: boolean } | undefined {
  try {
    const options = { without: { type: 'string' }, nginx: { type: 'boolean' } } as const;
    const { without, nginx = false } = parseArgs({ options }).values;
    return { without, nginx };
  } catch {
    return undefined;
  }
}

const options = readOptions();
if (options) {
  await runDemo(async (folder) => {
    // Only now: it imports the built program.
    const { demo } = await import('./demo.ts');
    await demo({ ...options, folder });
  });
} else {
  console.error('The demo takes two options: --without <service>, --nginx');
  process.exitCode = 2;
}
