/**
 * Builds the packages that are not this repository's root into `dist/packages`, ready for `npm publish`.
 *
 *     npm run packages
 */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';

import { buildMiddleware } from './middleware.ts';

const output = path.resolve(import.meta.dirname, '../../dist/packages/middleware');
await buildMiddleware(output);
console.log('@waybill/middleware in dist/packages/middleware');
for (const name of readdirSync(output)) {
  console.log(`  ${name}: ${(statSync(path.join(output, name)).size / 1024).toFixed(1)} KiB`);
}
