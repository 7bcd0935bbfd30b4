/** Graphs of any size, and trees of any size. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { generate } from '../../scale/generate.ts';

const CALLS = 10; // of each service

/** @returns the folder of a graph in which each client's entries make trees of 16 tokens. */
export function writeGraph(services: number, folder: string, clients = 10): string {
  const own = path.join(folder, `scale-${services}`);
  mkdirSync(own);
  const size = { services, calls: services * CALLS, clients, files: Math.ceil(services / 100) };
  for (const [name, text] of generate(size)) writeFileSync(path.join(own, name), text);
  return own;
}

export const TREE_CLIENT = 'client';
const FAN_OUT = 4;

/** @returns the file of a graph with an entry `tree-N` for each size, whose scope `all` makes a tree of N tokens. */
export function writeTrees(sizes: readonly number[], folder: string): string {
  const name = (size: number, at: number): string => (at === 0 ? `tree-${size}` : `tree-${size}-${at}`);
  const services = sizes.flatMap((size) =>
    Array.from({ length: size }, (_, at) => {
      const below = Array.from({ length: FAN_OUT }, (__, child) => FAN_OUT * at + child + 1);
      const calls = below.filter((child) => child < size).map((child) => `${name(size, child)}: [all]`);
      return `  ${name(size, at)}: { scopes: { all: { calls: { ${calls.join(', ')} } } } }`;
    }),
  );
  const file = path.join(folder, 'trees.yaml');
  writeFileSync(
    file,
    `waybill: 1
issuer: { url: 'https://tokens.scale.example' }
defaults: { audience: 'https://{name}.scale.example', headers: { profile: go } }
clients:
  ${TREE_CLIENT}:
    auth: { method: client_secret_basic, secret_env: SECRET }
    calls: { ${sizes.map((size) => `${name(size, 0)}: [all]`).join(', ')} }
services:
${services.join('\n')}
`,
  );
  return file;
}
