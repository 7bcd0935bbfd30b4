/**
 * Verifies tokens with the packed `@waybill/middleware` in workerd, the runtime of Cloudflare Workers, once for each
 * algorithm. It downloads workerd, so it is no part of the tests.
 *
 *     npm run build && npx tsx scripts/packages/workerd.ts [version]
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

import { build } from 'esbuild';

import { testIssuer, type TestIssuer } from '../../src/testing/index.ts';
import { buildMiddleware } from './middleware.ts';

const ALGORITHMS = ['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256'];

const WORKER = `
import { extractor } from '@waybill/middleware';
import { protect } from '@waybill/middleware/fetch';

const waybill = extractor({ issuer: process.env.ISSUER, audience: 'shop', caller: 'none' });

export default {
  fetch: protect(waybill, { scope: 'order' }, (request, context) =>
    Response.json({ sub: context.claims.sub, hasChild: context.child('stock') !== '' }),
  ),
};
`;

/** The issuer is on this machine, which workerd's default network excludes. */
const configuration = (issuer: string): string => `
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "shop", worker = .shop),
    (name = "internet", network = (allow = ["private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "shop")],
);

const shop :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2025-09-15",
  compatibilityFlags = ["nodejs_compat"],
  bindings = [(name = "ISSUER", text = ${JSON.stringify(issuer)})],
);
`;

const [version = 'latest'] = process.argv.slice(2);
const root = path.resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'waybill-workerd-'));

/** Starts the worker. @returns its address, and what stops it. */
async function start(workerd: string, issuer: string): Promise<{ address: string; stop: () => void }> {
  writeFileSync(path.join(folder, 'config.capnp'), configuration(issuer));
  const child = spawn(workerd, ['serve', '--control-fd=3', 'config.capnp'], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  for await (const line of createInterface({ input: child.stdio[3] as Readable })) {
    const { event, port } = JSON.parse(line) as { event: string; port?: number };
    if (event === 'listen') return { address: `http://127.0.0.1:${port}`, stop: () => child.kill() };
  }
  throw new Error('workerd ended without an address');
}

async function call(address: string, token: string): Promise<string> {
  const response = await fetch(address, { headers: { authorization: `Bearer ${token}` } });
  return `${response.status} ${await response.text()}`;
}

/** Prints one line for each token, and notes a failure. */
async function verifyIn(workerd: string, algorithm: string, issuer: TestIssuer): Promise<void> {
  const client = issuer.plan.clients.get('web')!;
  const { address, stop } = await start(workerd, issuer.url);
  try {
    for (const encoding of ['nested', 'packed'] as const) {
      const { token } = await issuer.issuer.issue(client, { scopes: ['order'], encoding });
      const answer = await call(address, token);
      console.log(`${algorithm} ${encoding}: ${answer}`);
      if (answer !== '200 {"sub":"web","hasChild":true}') process.exitCode = 1;
    }
    const issue = async () => issuer.issuer.issue(client, { scopes: ['order'], encoding: 'nested' });
    const [{ token }, { token: other }] = [await issue(), await issue()];
    const forged = token.slice(0, token.lastIndexOf('.')) + other.slice(other.lastIndexOf('.'));
    const answer = await call(address, forged);
    console.log(`${algorithm} forged: ${answer}`);
    if (!answer.startsWith('401 ')) process.exitCode = 1;
  } finally {
    stop();
  }
}

try {
  writeFileSync(path.join(folder, 'package.json'), '{ "name": "worker", "private": true }');
  const options = ['install', '--no-audit', '--no-fund', '--silent', '--ignore-scripts'];
  execFileSync('npm', [...options, `workerd@${version}`, 'jose'], { cwd: folder });
  await buildMiddleware(path.join(folder, 'node_modules/@waybill/middleware'));
  await build({
    stdin: { contents: WORKER, resolveDir: folder },
    bundle: true,
    platform: 'node',
    conditions: ['workerd'],
    format: 'esm',
    outfile: path.join(folder, 'worker.js'),
  });
  const require = createRequire(path.join(folder, 'package.json'));
  const { default: workerd } = require('workerd') as { default: string };
  console.log(execFileSync(workerd, ['--version'], { encoding: 'utf8' }).trim());
  const graph = readFileSync(path.join(root, 'graphs/hello.yaml'), 'utf8');
  for (const algorithm of ALGORITHMS) {
    const file = path.join(folder, 'graph.yaml');
    writeFileSync(file, graph.replace(/^issuer: \{/m, `issuer: { signing: ${algorithm},`));
    const issuer = await testIssuer(file, { port: 0 });
    try {
      await verifyIn(workerd, algorithm, issuer);
    } finally {
      await issuer.close();
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
