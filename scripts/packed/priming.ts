/** Writes `src/token/packed/priming-bodies.ts` from the priming trees. Run: npx tsx scripts/packed/priming.ts */
import { writeFileSync } from 'node:fs';

import { BodyWriter } from '../../src/token/packed/body.ts';
import { Model } from '../../src/token/packed/model.ts';
import { readNested } from '../../src/token/packed/nested.ts';
import { RecordWriter } from '../../src/token/packed/record-writer.ts';
import { PRIMING_TREES } from './priming-trees.ts';

const model = new Model();
const bodies = PRIMING_TREES.map((tree) => {
  const body = new BodyWriter();
  const root = readNested(tree);
  if (root.kind !== 'signed') throw new Error('a priming tree is no JWT');
  new RecordWriter(body).root(root);
  return Buffer.from(body.modelled(model)).toString('base64url');
});

const lines = bodies.map((body) => `  '${body}',\n`);
writeFileSync(
  new URL('../../src/token/packed/priming-bodies.ts', import.meta.url),
  `/**
 * The bodies from which the model learns before the first: trees of \`scripts/packed/priming-trees.ts\`, which writes
 * this file. Part of the format: a changed character makes another format.
 */
// prettier-ignore
export const PRIMING: readonly string[] = [
${lines.join('')}];
`,
);
