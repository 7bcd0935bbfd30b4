/**
 * What packing and unpacking cost, against verifying one ES256 signature: CPU time of both in one run, in turns, so that
 * a busy machine slows both. Run: npx tsx scripts/packed/cpu.ts
 */
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { compileGraph } from '../../src/planning/compile.ts';
import {
  childOf,
  nestedOf,
  pack,
  packAgain,
  packNode,
  packedBound,
  unpack,
  unpackNode,
  type TokenNode,
} from '../../src/token/index.ts';
import { issuedTree } from '../sizes/issuing.ts';

const BOUTIQUE = ['home', 'product', 'cart', 'cart:add', 'cart:empty', 'checkout', 'session', 'assistant'];
const TREES = [
  ['online-boutique', 'storefront', ['checkout'], 'checkoutservice'],
  ['online-boutique', 'storefront', BOUTIQUE, 'checkoutservice'],
  ['otel-demo', 'browser', ['checkout'], 'frontend'],
] as const;

const TURNS = 60;
const RUNS = 300;

/** µs of CPU for each act, once the code is hot. */
function microseconds(acts: readonly (() => void)[]): number[] {
  const sums = acts.map(() => 0);
  for (let turn = -TURNS / 2; turn < TURNS; turn += 1) {
    acts.forEach((act, i) => {
      const before = process.cpuUsage();
      for (let run = 0; run < RUNS; run += 1) act();
      const { user, system } = process.cpuUsage(before);
      if (turn >= 0) sums[i]! += user + system;
    });
  }
  return sums.map((sum) => sum / (TURNS * RUNS));
}

for (const [graph, client, scopes, callee] of TREES) {
  const { plan } = compileGraph([fileURLToPath(new URL(`../../graphs/${graph}.yaml`, import.meta.url))]);
  if (!plan) throw new Error(`graphs/${graph}.yaml has errors`);
  const nested = await issuedTree(plan, { client, scopes, resources: [] });
  const packed = pack(nested);
  const node = unpackNode(packed);
  const taken = (): TokenNode => {
    const child = childOf(unpackNode(packed), callee);
    if (!child) throw new Error(`no child ${callee}`);
    return child;
  };
  const child = taken();
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const data = Buffer.from(nested);
  const signature = sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const acts: readonly (readonly [string, () => void])[] = [
    [
      'verify one ES256 signature',
      () => verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature),
    ],
    ['unpack to nodes, take a child', taken],
    ['write the nested token, to verify it', () => nestedOf(node)],
    ['unpack, all of it', () => unpack(packed)],
    ['pack the child again', () => packAgain(child)],
    ['pack a nested token', () => pack(nested)],
    ['pack nodes', () => packNode(node)],
    ['bound of its size', () => packedBound(node)],
  ];
  const times = microseconds(acts.map(([, act]) => act));
  console.log(`${graph}, ${scopes.length} scopes: ${nested.length} bytes nested, ${packed.length} packed`);
  acts.forEach(([name], i) => {
    const ratio = (times[i]! / times[0]!).toFixed(2);
    console.log(`${times[i]!.toFixed(1).padStart(7)} µs  ${ratio}  ${name}`);
  });
}
