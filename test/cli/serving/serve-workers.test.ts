import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { expect } from 'chai';
import { decodeJwt } from 'jose';

import { opaqueGraph } from '../../support/issuer/opaque.ts';
import { freePort } from '../../support/http.ts';
import { run, serve, stopServing, type Served } from '../../support/program.ts';
import { hasRedisServer, needsRedisServer, startRedis, type RedisServer } from '../../support/redis.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';

interface Line {
  readonly worker?: number;
  readonly msg: string;
  readonly pid?: number;
  readonly signs?: string;
}

/** A graph that keeps nothing between requests. */
const plain = (url: string, scope = 'read') => `
waybill: 1
name: plain
issuer: { url: '${url}' }
defaults: { audience: 'https://{name}.example', headers: { profile: go } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: WEB }, default_scopes: [${scope}], calls: { shop: [${scope}] } }
services:
  shop: { scopes: { ${scope}: {} } }
`;

const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0;

const env = Object.fromEntries(
  ['WEB', 'APP', 'EDGE', 'SHOP', 'PAY', 'BACK'].map((name) => [name, `secret of ${name}`]),
);

describe('waybill serve --workers', function () {
  this.timeout(180_000);
  afterEach(stopServing);
  after(removeScratch);

  const linesOf = (served: Served): Line[] =>
    served
      .stderr()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Line);
  const workersThat = (served: Served, msg: string) =>
    new Set(
      linesOf(served).flatMap((line) => (line.msg === msg && line.worker !== undefined ? [line.worker] : [])),
    );
  const until = async (holds: () => boolean) => {
    for (let i = 0; i < 300 && !holds(); i += 1) await pause(100);
    expect(holds()).to.equal(true);
  };
  const ask = async (url: string, form: Record<string, string> = {}, at = '/token', as = 'web') =>
    fetch(`${url}${at}`, {
      method: 'POST',
      body: new URLSearchParams(at === '/token' ? { grant_type: 'client_credentials', ...form } : form),
      headers: {
        authorization: `Basic ${btoa(`${as}:secret+of+${as.toUpperCase()}`)}`,
        accept: at === '/introspect' ? 'application/jwt' : '*/*',
        connection: 'close', // the next request may go to another worker
      },
    });

  async function two(graph: (url: string) => string, more: readonly string[] = []) {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const file = scratchFile('graph.yaml', graph(url));
    const keys = path.join(scratchFolder(), 'keys.json');
    const args = [file, '--keys', keys, '--port', String(port), '--workers', '2', ...more];
    return { file, keys, url, served: await serve(args, { env }) };
  }

  it('prints its address once, answers with each worker, and ends all of them cleanly', async () => {
    const { served, url } = await two(plain);
    expect(served.url).to.equal(url);
    expect(served.output().match(/listening on/g)).to.have.length(1);
    const keyIds = new Set<unknown>();
    for (let i = 0; i < 200 && workersThat(served, 'issued').size < 2; i += 1) {
      const answer = await ask(url);
      expect(answer.status).to.equal(200);
      const { access_token: token } = (await answer.json()) as { access_token: string };
      keyIds.add((JSON.parse(atob(token.split('.')[0] ?? '')) as { kid: unknown }).kid);
    }
    expect([...workersThat(served, 'issued')].sort()).to.deep.equal([1, 2]);
    expect(keyIds.size).to.equal(1);
    const ended = new Promise<number | null>((resolve) => served.child.once('close', resolve));
    served.child.kill('SIGTERM');
    expect(await ended).to.equal(0);
    expect([...workersThat(served, 'stopped')].sort()).to.deep.equal([1, 2]);
  });

  it('replaces a worker that dies, and says so', async () => {
    const { served, url } = await two(plain);
    const [victim] = linesOf(served).filter(({ msg }) => msg === 'worker started');
    process.kill(victim?.pid ?? 0, 'SIGKILL');
    await until(() =>
      workersThat(served, 'a worker has ended; another takes its place').has(victim?.worker ?? 0),
    );
    await until(() => workersThat(served, 'started').has(3));
    for (let i = 0; i < 200 && !workersThat(served, 'issued').has(3); i += 1) await ask(url);
    expect(workersThat(served, 'issued').has(3)).to.equal(true);
  });

  it(`goes on where no worker can be started, and starts one when that is possible again${hasPrlimit ? '' : ' (skipped: prlimit is missing)'}`, async function () {
    if (!hasPrlimit) this.skip();
    const { served, url } = await two(plain);
    const { pid } = served.child;
    const limitOpenFiles = (most: number): void => {
      execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${most}:`]);
    };
    const [victim, other] = linesOf(served).filter(({ msg }) => msg === 'worker started');
    limitOpenFiles(readdirSync(`/proc/${pid}/fd`).length - 4);
    for (const worker of [victim, other]) process.kill(worker?.pid ?? 0, 'SIGKILL');
    await until(() => workersThat(served, 'a worker cannot be started; another attempt follows').size > 0);
    limitOpenFiles(1_024);
    await until(() => [...workersThat(served, 'started')].some((worker) => worker > 2));
    expect((await ask(url)).status).to.equal(200);
  });

  it('loads a changed graph and rotated keys in every worker', async () => {
    const { served, url, file, keys } = await two(plain);
    writeFileSync(file, plain(url, 'write'));
    await until(() => workersThat(served, 'reloaded').size === 2);
    for (let i = 0; i < 10; i += 1) expect((await ask(url, { scope: 'write' })).status).to.equal(200);
    expect((await run(['keys', 'rotate', '--keys', keys, '--alg', 'ES256', '--now'])).code).to.equal(0);
    await until(() => workersThat(served, 'new keys in use').size === 2);
  });

  it('refuses a graph that needs a store without a shared one', async () => {
    const graph = scratchFile('graph.yaml', opaqueGraph('http://127.0.0.1:8080'));
    const keys = path.join(scratchFolder(), 'keys.json');
    const { code, stderr, stdout } = await run(['serve', graph, '--keys', keys, '--workers', '2'], { env });
    expect(code).to.equal(2);
    expect(stdout).to.equal('');
    expect(stderr).to.match(/opaque tokens.*--store redis/);
  });

  it('ends with one error message if a worker cannot start', async () => {
    const { served, file, keys } = await two(plain);
    const { port } = new URL(served.url);
    const again = ['serve', file, '--keys', keys, '--workers', '2', '--port', port];
    const { code, stderr } = await run(again, { env });
    expect(code).to.equal(2);
    expect(stderr.match(/Cannot listen on/g)).to.have.length(1);
  });

  for (const [which, victims] of [
    ['the first', [1]],
    ['a later one', [2]],
    ['one after the other', [1, 2, 3]],
  ] as const) {
    it(`replaces workers that are killed while they start, ${which}, and says so`, async () => {
      const port = await freePort();
      const file = scratchFile('graph.yaml', plain(`http://127.0.0.1:${port}`));
      const keys = path.join(scratchFolder(), 'keys.json');
      let text = '';
      const killed = new Set<number>();
      const heard = (more: string): void => {
        text += more;
        for (const line of text.split('\n').slice(0, -1)) {
          if (!line.startsWith('{')) continue;
          const { msg, worker, pid } = JSON.parse(line) as Line;
          if (msg !== 'worker started' || !victims.some((victim) => victim === worker)) continue;
          if (worker === undefined || pid === undefined || killed.has(worker)) continue;
          killed.add(worker);
          process.kill(pid, 'SIGKILL');
        }
      };
      const args = [file, '--keys', keys, '--port', String(port), '--workers', '2'];
      const served = await serve(args, { env, heard });
      const ended = workersThat(served, 'a worker has ended; another takes its place');
      expect([...killed].sort()).to.deep.equal(victims);
      expect([...ended].sort()).to.deep.equal(victims);
      expect((await ask(served.url)).status).to.equal(200);
      await until(() => workersThat(served, 'started').size === 2);
      expect(workersThat(served, 'worker started').size).to.equal(2 + victims.length);
      expect(await served.stop()).to.equal(0);
    });
  }

  it('refuses an invalid count', async () => {
    for (const count of ['0', '65', 'two']) {
      const { code } = await run(['serve', 'graph.yaml', '--workers', count], { env });
      expect(code, count).to.equal(2);
    }
  });

  describe(`with a store that they share${needsRedisServer}`, () => {
    let redis: RedisServer | undefined;
    before(async function () {
      if (!hasRedisServer) this.skip();
      redis = await startRedis({ password: 'pa55word' });
    });
    after(async () => redis?.remove());

    it('workers swap tokens of each other and share revocations', async () => {
      const { served, url } = await two(opaqueGraph, ['--store', redis?.url ?? '']);
      const answer = await ask(url, { scope: 'order' });
      const { access_token: token } = (await answer.json()) as { access_token: string };
      for (let i = 0; i < 200 && workersThat(served, 'swapped').size < 2; i += 1) {
        const swapped = await ask(url, { token }, '/introspect', 'shop');
        expect(swapped.status).to.equal(200);
        expect(decodeJwt(await swapped.text())).to.include({ client_id: 'web', iss: url });
      }
      expect(workersThat(served, 'swapped').size).to.equal(2);
      expect((await ask(url, { token }, '/revoke')).status).to.equal(200);
      for (let i = 0; i < 20; i += 1)
        expect((await ask(url, { token }, '/introspect', 'shop')).status).to.equal(204);
    });
  });
});
