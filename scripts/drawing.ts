/** `npm run drawing`: the picture in the README, an order at Online Boutique as `waybill draw` shows it. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const asked = ['--client', 'storefront', '--scope', 'checkout', '--out', 'scripts/drawing.svg'];
execFileSync('node', ['dist/cli/main.js', 'draw', 'graphs/online-boutique.yaml', ...asked], {
  cwd: root,
  stdio: 'inherit',
});
