/**
 * `npm run sizes`: for every graph in `graphs/`, and for a chain of ten services, the largest single request and all
 * scopes of the largest entry: nested and packed, in bytes and as a multiple of the floor, which is what the
 * signatures alone would take: 64 bytes each, as base64url. The trees are really issued.
 */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { compileGraph, type Compiled } from '../../src/planning/compile.ts';
import { pack, unpack } from '../../src/token/index.ts';
import { compiledChain } from './chain.ts';
import { issuedTree } from './issuing.ts';

const folder = fileURLToPath(new URL('../../graphs', import.meta.url));
const SIGNATURE_FLOOR = (64 * 4) / 3;

async function linesOf({ plan, trees }: Compiled): Promise<string[]> {
  if (!plan) throw new Error('a graph has errors');
  const lines: string[] = [];
  for (const what of ['scope', 'entry'] as const) {
    const [largest] = trees
      .filter((tree) => tree.what === what)
      .sort((a, b) => b.shape.tokens - a.shape.tokens || b.shape.depth - a.shape.depth);
    if (!largest) continue;
    const { client, shape } = largest;
    const scopes = shape.scopes.map(({ name }) => name);
    const nested = await issuedTree(plan, {
      client: client.name,
      scopes,
      resources: [shape.service.audience],
    });
    const packed = pack(nested);
    if (unpack(packed) !== nested) throw new Error(`${plan.name} does not come back`);
    const name = what === 'scope' ? scopes.join(' ') : 'all scopes';
    lines.push(
      row([
        plan.name,
        name,
        shape.tokens,
        shape.depth,
        ...cells(nested, shape.tokens),
        ...cells(packed, shape.tokens),
      ]),
    );
  }
  return lines;
}

function cells(token: string, tokens: number): string[] {
  return [token.length.toLocaleString('en'), (token.length / (tokens * SIGNATURE_FLOOR)).toFixed(2)];
}

function row(values: readonly (string | number)[]): string {
  const [graph, name, ...numbers] = values.map(String);
  const widths = [7, 7, 8, 8, 8, 8];
  return [graph!.padEnd(20), name!.padEnd(16), ...numbers.map((text, i) => text.padStart(widths[i]!))].join(
    '',
  );
}

const files = readdirSync(folder)
  .filter((file) => /(?<!\.test)\.yaml$/.test(file))
  .sort();
const graphs = [...files.map((file) => compileGraph([path.join(folder, file)])), compiledChain()];
const lines = [
  row(['graph', 'largest request', 'tokens', 'levels', 'nested', '× floor', 'packed', '× floor']),
];
for (const graph of graphs) lines.push(...(await linesOf(graph)));
process.stdout.write(`${lines.join('\n')}\n`);
