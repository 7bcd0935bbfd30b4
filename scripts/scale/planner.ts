/**
 * How much processor time the planner takes to make a tree of 100 calls fit, and by how much its choice could be better: over shapes of
 * trees, header budgets and probabilities, nested and packed. It weighs the tree and chooses, as the compiler does for the largest
 * values of a client, once the code is hot. Beside the time stands how many ES256 signatures take as long in the same run.
 *
 *     npm run scale
 *     npx tsx scripts/scale/planner.ts SHAPE     one shape alone
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Overflow } from '../../src/planning/header-budget/index.ts';
import {
  HopBudgets,
  PackedWeights,
  TreePlanner,
  compileGraph,
  heldClaimsOf,
  planOverflow,
  resolve,
  carriedClaimsOf,
  worstCaseOf,
} from './built.ts';
import { SHAPES, treeGraph, type Parents, type TreeOptions } from './trees.ts';

const ROOMS = [900, 1_500, 2_500, 4_096, 8_192, 12_000];
const WARM_UP = 5;
const ROUNDS = 5;

/** @returns what fits one tree anew with each call. */
function fitting(parents: Parents, tree: TreeOptions): () => Overflow | undefined {
  const plan = compiled(treeGraph(parents, tree));
  const client = plan.clients.get('web');
  if (!client) throw new TypeError('the graph has no client');
  const { shape, calls } = resolve(plan, client.name, { scopes: ['read'], resources: [] });
  const { nested } = plan.issuer.limits;
  const claims = { heldClaims: heldClaimsOf(plan), carriedClaims: carriedClaimsOf(plan) };
  const options = { budgets: new HopBudgets(), nested, ...claims };
  const own = new TreePlanner(plan).measure(worstCaseOf(client), false);
  const { fetched } = own;
  return () => {
    // With the whole sums, which always hold.
    const packed = { weights: new PackedWeights(shape, fetched), holds: () => true };
    const digits = String(shape.tokens - 1).length;
    const weighing = {
      above: own.client,
      own,
      fetched,
      digits,
      packed: tree.encoding === 'packed' ? packed : undefined,
    };
    return planOverflow(shape, calls, weighing, options);
  };
}

function compiled(graph: string) {
  const folder = mkdtempSync(path.join(tmpdir(), 'planner-'));
  try {
    const file = path.join(folder, 'tree.yaml');
    writeFileSync(file, graph);
    const { draft, findings } = compileGraph([file]);
    if (!draft) throw new TypeError(findings.map(({ message }) => message).join('\n'));
    return draft;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Milliseconds of processor for each round: what else the machine does counts little. */
function timed(run: () => void, rounds: number): number[] {
  return Array.from({ length: rounds }, () => {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const SIGNATURES = 50;
const sign50 = (): void => {
  for (let n = 0; n < SIGNATURES; n++) sign('sha256', Buffer.alloc(600), privateKey);
};
const signing = (): number => median(timed(sign50, 10)) / SIGNATURES;

const [only] = process.argv.slice(2);
signing();
console.log(
  'planner   ms of processor for one tree: median, worst median of one graph (as ES256 signatures); largest gap',
);
for (const encoding of ['nested', 'packed'] as const) {
  for (const [name, tree] of SHAPES) {
    if (only !== undefined && only !== name) continue;
    const runs = (['equal', 'different'] as const).flatMap((probabilities) =>
      ROOMS.map((room) => fitting(tree, { encoding, probabilities, room })),
    );
    for (let round = 0; round < WARM_UP; round++) for (const run of runs) run();
    const times = runs.map((run) => timed(run, ROUNDS));
    const gap = Math.max(...runs.map((run) => run()?.gap ?? 0));
    const [middle, worst] = [median(times.flat()), Math.max(...times.map(median))];
    const one = signing();
    const signatures = [middle, worst].map((ms) => Math.round(ms / one));
    console.log(
      `${encoding}    ${name.padEnd(12)}${middle.toFixed(1).padStart(7)} (${signatures[0]}) ${worst.toFixed(1).padStart(7)} (${signatures[1]})  gap ${gap.toFixed(3)}`,
    );
  }
}
