/** Writes the dictionary into `schemas/packed.md`. Run: npx tsx scripts/packed/dictionary.ts */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DICTIONARY } from '../../src/token/packed/dictionary.ts';

const page = fileURLToPath(new URL('../../schemas/packed.md', import.meta.url));
const lines =
  Buffer.from(DICTIONARY)
    .toString('base64url')
    .match(/.{1,116}/g) ?? [];
const text = readFileSync(page, 'utf8');
const written = text.replace(/```text\n[^`]*```/, `\`\`\`text\n${lines.join('\n')}\n\`\`\``);
writeFileSync(page, written);
