/** Ends `npm publish` while `package.json` names no real places: nobody owns a name under `.example` (RFC 2606). */
import { readFileSync } from 'node:fs';
import path from 'node:path';

const file = path.resolve(import.meta.dirname, '../../package.json');
const { homepage, repository } = JSON.parse(readFileSync(file, 'utf8')) as {
  homepage: string;
  repository: { url: string };
};
const placeholders = [homepage, repository.url].filter((url) => /\.example(?:\/|$)/.test(url));
for (const url of placeholders)
  console.error(`package.json: ${url} is a placeholder. Enter the real address before the first release.`);
if (placeholders.length > 0) process.exitCode = 1;
