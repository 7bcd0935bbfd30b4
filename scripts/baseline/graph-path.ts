/** A graph is read, compiled and checked. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Compiled } from 'waybill';
import { clock, type Checkout } from './checkout.ts';
import type { Inputs } from './inputs.ts';
import type { Operation } from './operation.ts';

export async function check(
  { compileGraph }: Checkout,
  { large }: Inputs,
): Promise<Operation<readonly string[], Compiled>> {
  const files = readdirSync(large).map((file) => readFileSync(path.join(large, file)));
  const reads = files.reduce((sum, { length }) => sum + length, 0);
  return {
    input: () => [large],
    call: (paths) => compileGraph(paths, { clock }),
    sizes(_, { plan, findings }) {
      if (!plan || findings.length > 0) throw new TypeError('a valid graph has findings');
      return { reads, makes: Buffer.byteLength(JSON.stringify(findings)) };
    },
  };
}
