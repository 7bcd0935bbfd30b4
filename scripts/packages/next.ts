/**
 * Builds a Next.js application that uses the packed `@waybill/middleware`, starts it, and calls it. It downloads Next.js,
 * so it is no part of the tests.
 *
 *     npm run build && npx tsx scripts/packages/next.ts [version]
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

import { testIssuer } from '../../src/testing/index.ts';
import { buildMiddleware } from './middleware.ts';

const ROUTE = `
import { extractor, refusal } from '@waybill/middleware';

export const dynamic = 'force-dynamic';

const waybill = extractor({ issuer: process.env.ISSUER, audience: 'shop', caller: 'none' });

export async function GET(request) {
  try {
    const authorization = request.headers.get('authorization') ?? undefined;
    const context = await waybill.authenticate({ authorization });
    return Response.json({ sub: context.claims.sub, hasChild: context.child('stock') !== '' });
  } catch (error) {
    const { status, headers, body } = refusal(error);
    return new Response(body, { status, headers });
  }
}
`;
const LAYOUT = `export default ({ children }) => <html><body>{children}</body></html>;`;

const [version = '15'] = process.argv.slice(2);
const root = path.resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'waybill-next-'));
const issuer = await testIssuer(path.join(root, 'graphs/hello.yaml'), { port: 0 });
const env = { ...process.env, ISSUER: issuer.url, NEXT_TELEMETRY_DISABLED: '1' };

/** Starts the built application. @returns its address, and what stops it. */
async function start(next: string): Promise<{ address: string; stop: () => void }> {
  const child = spawn(process.execPath, [next, 'start', '--port', '0', '--hostname', '127.0.0.1'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
    if (address !== undefined) return { address, stop: () => child.kill() };
  }
  throw new Error('next start ended without an address');
}

async function call(address: string, token: string): Promise<string> {
  const response = await fetch(`${address}/orders`, { headers: { authorization: `Bearer ${token}` } });
  return `${response.status} ${await response.text()}`;
}

try {
  const packed = path.join(folder, 'waybill-middleware');
  await buildMiddleware(packed);
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder, packed], { stdio: 'ignore' });
  rmSync(packed, { recursive: true });
  mkdirSync(path.join(folder, 'app/orders'), { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), '{ "name": "next-service", "private": true }');
  writeFileSync(path.join(folder, 'app/layout.jsx'), LAYOUT);
  writeFileSync(path.join(folder, 'app/orders/route.js'), ROUTE);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  const packages = [`next@${version}`, 'react', 'react-dom', `./${tarball}`];
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', ...packages], { cwd: folder });
  const next = path.join(folder, 'node_modules/next/dist/bin/next');
  execFileSync(process.execPath, [next, 'build'], { cwd: folder, env, stdio: 'inherit' });

  const client = issuer.plan.clients.get('web')!;
  const { address, stop } = await start(next);
  try {
    for (const encoding of ['nested', 'packed'] as const) {
      const { token } = await issuer.issuer.issue(client, { scopes: ['order'], encoding });
      const answer = await call(address, token);
      console.log(`${encoding}: ${answer}`);
      if (answer !== '200 {"sub":"web","hasChild":true}') process.exitCode = 1;
    }
    const answer = await call(address, 'none');
    console.log(`no token: ${answer}`);
    if (!answer.startsWith('401 ')) process.exitCode = 1;
  } finally {
    stop();
  }
} finally {
  await issuer.close();
  rmSync(folder, { recursive: true, force: true });
}
