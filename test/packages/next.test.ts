/** `@waybill/middleware` in a route handler of Next.js, built and started as a service of a user's. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

import { expect } from 'chai';

import { testIssuer, type TestIssuer } from '../../src/testing/index.ts';
import { removeScratch } from '../support/files.ts';
import { ROOT, install, packMiddleware, write } from './projects.ts';
import { addressOf, callWith, stop } from './started.ts';

const PACKAGES = ['next@15', 'react@19', 'react-dom@19'];

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

describe('the package @waybill/middleware in Next.js', function () {
  this.timeout(300_000);

  let issuer: TestIssuer;
  let server: ChildProcess | undefined;
  let address: string;

  before(async () => {
    issuer = await testIssuer(path.join(ROOT, 'graphs/hello.yaml'), { port: 0 });
    const folder = await install(await packMiddleware(), ...PACKAGES);
    write(folder, { 'app/layout.jsx': LAYOUT, 'app/orders/route.js': ROUTE });
    const env = { ...process.env, NODE_OPTIONS: '', ISSUER: issuer.url, NEXT_TELEMETRY_DISABLED: '1' };
    const next = path.join(folder, 'node_modules/next/dist/bin/next');
    await promisify(execFile)(process.execPath, [next, 'build'], { cwd: folder, env });
    const options = ['start', '--port', '0', '--hostname', '127.0.0.1'];
    server = spawn(process.execPath, [next, ...options], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const origin = await addressOf(server.stdout!, (line) => /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]);
    address = `${origin}/orders`;
  });
  after(async () => {
    if (server) await stop(server);
    await issuer.close();
    removeScratch();
  });

  for (const encoding of ['nested', 'packed'] as const)
    it(`reads a token (${encoding})`, async () => {
      const client = issuer.plan.clients.get('web')!;
      const { token } = await issuer.issuer.issue(client, { scopes: ['order'], encoding });
      expect(await callWith(address, token)).to.equal('200 {"sub":"web","hasChild":true}');
    });

  it('refuses what is no token', async () => {
    expect(await callWith(address, 'none')).to.match(/^401 .*"code":"token_malformed"/);
  });
});
