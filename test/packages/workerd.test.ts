/** `@waybill/middleware` in workerd, the runtime of Cloudflare Workers, where some of Node's crypto is missing. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Readable } from 'node:stream';

import { expect } from 'chai';
import { build } from 'esbuild';

import { testIssuer, type TestIssuer } from '../../src/testing/index.ts';
import { removeScratch } from '../support/files.ts';
import { ROOT, install, packMiddleware, write } from './projects.ts';
import { addressOf, callWith, stop } from './started.ts';

const WORKERD = 'workerd@1';

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

/** workerd writes one line of JSON for each of its sockets. */
function listening(line: string): string | undefined {
  const { event, port } = JSON.parse(line) as { event: string; port?: number };
  return event === 'listen' ? `http://127.0.0.1:${port}` : undefined;
}

describe('the package @waybill/middleware in workerd', function () {
  this.timeout(180_000);

  let folder: string;
  let workerd: string;

  before(async () => {
    folder = await install(await packMiddleware(), WORKERD);
    await build({
      stdin: { contents: WORKER, resolveDir: folder },
      bundle: true,
      platform: 'node',
      conditions: ['workerd'],
      format: 'esm',
      outfile: path.join(folder, 'worker.js'),
    });
    const required = createRequire(path.join(folder, 'package.json'))('workerd') as { default: string };
    workerd = required.default;
  });
  after(removeScratch);

  for (const algorithm of ['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256'])
    describe(`with ${algorithm}`, () => {
      let issuer: TestIssuer;
      let worker: ChildProcess;
      let address: string;

      before(async () => {
        const graph = readFileSync(path.join(ROOT, 'graphs/hello.yaml'), 'utf8');
        write(folder, { 'graph.yaml': graph.replace(/^issuer: \{/m, `issuer: { signing: ${algorithm},`) });
        issuer = await testIssuer(path.join(folder, 'graph.yaml'), { port: 0 });
        write(folder, { 'config.capnp': configuration(issuer.url) });
        worker = spawn(workerd, ['serve', '--control-fd=3', 'config.capnp'], {
          cwd: folder,
          stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
        });
        address = await addressOf(worker.stdio[3] as Readable, listening);
      });
      after(async () => {
        await stop(worker);
        await issuer.close();
      });

      const issue = async (encoding: 'nested' | 'packed'): Promise<string> => {
        const client = issuer.plan.clients.get('web')!;
        const { token } = await issuer.issuer.issue(client, { scopes: ['order'], encoding });
        return token;
      };

      for (const encoding of ['nested', 'packed'] as const)
        it(`reads a token (${encoding})`, async () => {
          expect(await callWith(address, await issue(encoding))).to.equal(
            '200 {"sub":"web","hasChild":true}',
          );
        });

      it('refuses a token with the signature of another', async () => {
        const [token, other] = [await issue('nested'), await issue('nested')];
        const forged = token.slice(0, token.lastIndexOf('.')) + other.slice(other.lastIndexOf('.'));
        expect(await callWith(address, forged)).to.match(/^401 .*"code":"token_signature"/);
      });
    });
});
