/** What packing and unpacking cost, in µs of CPU, for real trees. Run: npx tsx scripts/packed/cpu.ts */
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { compileGraph } from '../../src/compile.ts';
import { nestedOf, pack, packNode, packedBound, unpack, unpackNode } from '../../src/token/index.ts';
import { issuedTree } from '../sizes/issuing.ts';

const TREES = [
  ['online-boutique', 'storefront', ['checkout']],
  [
    'online-boutique',
    'storefront',
    [
      'home',
      'product',
      'cart',
      'cart:add',
      'cart:empty',
      'checkout',
      'session',
      'assistant',
      'product-meta',
      'bot',
    ],
  ],
  ['otel-demo', 'browser', ['checkout']],
] as const;

/** Mean over many runs, once the code is hot. */
function microseconds(act: () => void, runs = 3000): string {
  for (let i = 0; i < runs; i += 1) act();
  const before = process.cpuUsage();
  for (let i = 0; i < runs; i += 1) act();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / runs).toFixed(0).padStart(6);
}

for (const [graph, client, scopes] of TREES) {
  const { plan } = compileGraph([fileURLToPath(new URL(`../../graphs/${graph}.yaml`, import.meta.url))]);
  if (!plan) throw new Error(`graphs/${graph}.yaml has errors`);
  const nested = await issuedTree(plan, { client, scopes, resources: [] });
  const packed = pack(nested);
  const node = unpackNode(packed);
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const data = Buffer.from(nested);
  const signature = sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const acts: readonly (readonly [string, () => void])[] = [
    ['unpack to nodes', () => unpackNode(packed)],
    ['write the nested token', () => nestedOf(node)],
    ['unpack, all of it', () => unpack(packed)],
    ['pack a nested token', () => pack(nested)],
    ['pack nodes', () => packNode(node)],
    ['bound of its size', () => packedBound(node)],
    [
      'verify one ES256 signature',
      () => verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature),
    ],
  ];
  console.log(
    `${graph} ${scopes.length === 1 ? scopes[0] : 'all scopes'}: ${nested.length} bytes nested, ${packed.length} packed`,
  );
  for (const [name, act] of acts) console.log(`${microseconds(act)} µs  ${name}`);
}
