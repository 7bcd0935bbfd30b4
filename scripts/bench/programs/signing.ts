/** Signs and does nothing else, when its parent says so, for as many milliseconds as it says: node signing.ts. */
import { generateKeyPairSync, sign } from 'node:crypto';

export interface Signed {
  readonly signatures: number;
  readonly seconds: number;
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const options = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
const input = Buffer.alloc(700, 'A');

process.on('message', (ms: number) => {
  const started = performance.now();
  let signatures = 0;
  for (; performance.now() < started + ms; signatures += 1) sign('sha256', input, options);
  process.send?.({ signatures, seconds: (performance.now() - started) / 1_000 } satisfies Signed);
});
process.send?.('ready');
