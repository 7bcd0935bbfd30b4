/**
 * Runs the demo of proxies, and ends whatever it started. Exit 0: all went as it should; 1: something did not, or a part
 * is missing.
 *
 *     npm run demo:mesh
 */
import { runDemo } from '../demo/run.ts';

await runDemo(async (folder) => {
  const { demo } = await import('./demo.ts');
  await demo(folder);
});
