import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { decodeJwt } from 'jose';

import {
  freePort,
  hasRedisServer,
  needsRedisServer,
  startRedis,
  type RedisServer,
} from '../support/redis-server.ts';
import { opaqueGraph } from '../support/opaque-shop.ts';
import { removeScratch, scratchFile, scratchFolder } from '../support/scratch.ts';

const root = path.resolve(import.meta.dirname, '../..');
const PASSWORD = 'pa55word-of-redis';
const SECRETS = ['WEB', 'APP', 'EDGE', 'SHOP', 'PAY', 'BACK'];
const running = new Set<ChildProcess>();

interface Served {
  readonly url: string;
  output(): string;
}

function run(options: readonly string[], env: Record<string, string> = {}) {
  const secrets = Object.fromEntries(SECRETS.map((name) => [name, `secret of ${name}`]));
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', 'serve', ...options], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...secrets, ...env },
  });
  running.add(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (data: string) => (text += data));
  }
  return { child, output: () => text };
}

async function serve(options: readonly string[], env: Record<string, string> = {}): Promise<Served> {
  const { child, output } = run(options, env);
  for (let tries = 0; tries < 300; tries += 1) {
    const url = /listening on (\S+)/.exec(output())?.[1];
    if (url !== undefined) return { url, output };
    if (child.exitCode !== null) break;
    await pause(50);
  }
  throw new Error(`not listening: ${output()}`);
}

describe(`waybill serve --store${needsRedisServer}`, () => {
  let redis: RedisServer | undefined;
  let store: string;
  before(async function () {
    if (!hasRedisServer) this.skip();
    redis = await startRedis({ password: PASSWORD });
    store = redis.url;
  });
  after(async () => {
    for (const child of running) child.kill('SIGTERM');
    await Promise.all(
      [...running].flatMap((child) => (child.exitCode === null ? [once(child, 'exit')] : [])),
    );
    removeScratch();
    await redis?.remove();
  });

  const post = async (served: Served, at: string, as: string, form: Record<string, string>, accept = '*/*') =>
    fetch(`${served.url}${at}`, {
      method: 'POST',
      body: new URLSearchParams(form),
      headers: { accept, authorization: `Basic ${btoa(`${as}:secret+of+${as.toUpperCase()}`)}` },
    });
  const swap = async (served: Served, token: string) =>
    post(served, '/introspect', 'shop', { token }, 'application/jwt');

  it('two processes share opaque tokens and revocations, and show no password', async () => {
    const port = await freePort();
    const graph = scratchFile('graph.yaml', opaqueGraph(`http://127.0.0.1:${port}`));
    const common = [graph, '--keys', path.join(scratchFolder(), 'keys.json'), '--no-watch'];
    const first = await serve([...common, '--port', String(port), '--store', store]);
    const second = await serve([...common, '--port', '0'], { WAYBILL_STORE: store });
    const answer = await post(first, '/token', 'web', { grant_type: 'client_credentials', scope: 'order' });
    const { access_token: reference } = (await answer.json()) as { access_token: string };
    const swapped = await swap(second, reference);
    expect(swapped.status).to.equal(200);
    expect(decodeJwt(await swapped.text())).to.include({ client_id: 'web', iss: first.url });
    expect((await post(second, '/revoke', 'web', { token: reference })).status).to.equal(200);
    expect((await swap(first, reference)).status).to.equal(204);
    expect((await fetch(`${second.url}/readyz`)).status).to.equal(200);
    for (const served of [first, second]) {
      expect(served.output())
        .to.not.contain(PASSWORD)
        .and.to.not.match(/wbo_|eyJ/);
    }
  });

  it('refuses an address that is none, without quoting it', async () => {
    const graph = scratchFile('graph.yaml', opaqueGraph('http://127.0.0.1:8080'));
    const keys = path.join(scratchFolder(), 'keys.json');
    const { child, output } = run([
      graph,
      '--port',
      '0',
      '--keys',
      keys,
      '--store',
      `http://:${PASSWORD}@host`,
    ]);
    const [status] = (await once(child, 'exit')) as [number];
    expect([status, output().includes('redis://')]).to.deep.equal([2, true]);
    expect(output()).to.not.contain(PASSWORD);
  });

  it('refuses a memory of its own where it is one of several processes', async () => {
    const graph = scratchFile('graph.yaml', opaqueGraph('http://127.0.0.1:8080'));
    const keys = path.join(scratchFolder(), 'keys.json');
    const { child, output } = run([graph, '--port', '0', '--keys', keys], { NODE_UNIQUE_ID: '1' });
    const [status] = (await once(child, 'exit')) as [number];
    expect([status, /one of several processes/.test(output())]).to.deep.equal([2, true]);
  });
});
