/**
 * `npm run sizes`: for every graph in `graphs/`, its largest single request and all scopes of its largest entry, as
 * nested JWTs. The floor is what the signatures alone would take: 64 bytes each, as base64url.
 */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { compileGraph } from '../../src/compile.ts';
import { planRequest, type RequestPlan } from '../../src/request-plan.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = path.join(root, 'graphs');

interface Row {
  readonly graph: string;
  readonly what: string;
  readonly planned: RequestPlan;
}

function rowsOf(file: string): Row[] {
  const { plan, trees } = compileGraph([path.join(folder, file)]);
  if (!plan) throw new Error(`graphs/${file} has errors`);
  return (['scope', 'entry'] as const).flatMap((what) => {
    const [largest] = trees
      .filter((tree) => tree.what === what)
      .sort((a, b) => b.shape.tokens - a.shape.tokens || b.shape.depth - a.shape.depth);
    if (!largest) return [];
    const { client, shape } = largest;
    const request = { scopes: shape.scopes.map(({ name }) => name), resources: [shape.service.audience] };
    const planned = planRequest(plan, client.name, request);
    return [{ graph: plan.name, what: what === 'scope' ? planned.scope : 'all scopes', planned }];
  });
}

const SIGNATURE_FLOOR = (64 * 4) / 3;

const lines = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml'))
  .sort()
  .flatMap(rowsOf)
  .map(({ graph, what, planned: { tokens, depth, root: token } }) => {
    const nested = token.bytes?.nested ?? 0;
    const cells = [graph.padEnd(20), what.padEnd(16), tokens, depth, nested.toLocaleString('en')];
    const times = (nested / (tokens * SIGNATURE_FLOOR)).toFixed(1);
    return [...cells, times].map((cell) => String(cell).padStart(7)).join(' ');
  });
const heading = ['graph'.padEnd(20), 'largest request'.padEnd(16), 'tokens', 'levels', 'bytes', '× floor'];
process.stdout.write(`${[heading.map((cell) => cell.padStart(7)).join(' '), ...lines].join('\n')}\n`);
