/** Several `waybill serve` on one Redis, and one alone: what they report about keys, graphs, the store and lost data. */
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { expect } from 'chai';
import { SignJWT } from 'jose';

import { freePort, send } from '../../support/http.ts';
import { JWT_BEARER, now, pair } from '../../support/issuer/keyed.ts';
import { opaqueGraph } from '../../support/issuer/opaque.ts';
import { run, serve, stopServing, type Served } from '../../support/program.ts';
import { hasRedisServer, needsRedisServer, startRedis, type RedisServer } from '../../support/redis.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';
import { eventually } from '../../support/clock/eventually.ts';

const URL = 'http://127.0.0.1:8080';
const env = Object.fromEntries(
  ['WEB', 'APP', 'EDGE', 'SHOP', 'PAY', 'BACK'].map((name) => [name, `secret of ${name}`]),
);
const DIFFER =
  'processes on this store differ in keys or graph; as after a change until all have taken it up';
const AGREE = 'processes on this store have the same keys and graph again';

interface Ready {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}
const ready = async ({ url }: Served): Promise<Ready> => send(`${url}/readyz`);

describe(`waybill serve on one store with others${needsRedisServer}`, () => {
  let redis: RedisServer;
  before(async function () {
    if (!hasRedisServer) this.skip();
    redis = await startRedis();
  });
  afterEach(stopServing);
  after(async () => {
    removeScratch();
    await (redis as RedisServer | undefined)?.remove();
  });

  let database = 0;
  const own = (): string => `${redis.url}/${(database += 1)}`;
  const options = (graph: string, keys: string, store: string): string[] => [
    ...[graph, '--port', '0', '--keys', path.join(keys, 'keys.json'), '--store', store],
  ];
  const linesOf = (served: Served, message: string) => served.logLines().filter(({ msg }) => msg === message);

  it('does not start without a key in common with another process of the same issuer', async () => {
    const [store, graph] = [own(), scratchFile('graph.yaml', opaqueGraph(URL))];
    const [one, other] = [scratchFolder(), scratchFolder()];
    const first = await serve(options(graph, one, store), { env });
    const refused = await run(['serve', ...options(graph, other, store)], { env });
    expect([refused.code, refused.stdout]).to.deep.equal([2, '']);
    expect(refused.stderr).to.match(/with other keys.*--keys/);
    expect(readdirSync(other), 'no key file of a process that could not start').to.deep.equal([]);
    expect(refused.stderr).to.not.contain('new key file');
    const elsewhere = scratchFile('graph.yaml', opaqueGraph('http://127.0.0.1:8081'));
    await serve(options(elsewhere, other, store), { env });
    await serve(options(graph, one, store), { env });
    // No warning for these: keys of another issuer are not compared.
    expect(linesOf(first, DIFFER)).to.deep.equal([]);
    expect((await ready(first)).body).to.have.all.keys('status', 'graph');
  });

  it('makes one key file, and one issuer, where processes start together without one', async () => {
    const [store, graph, keys] = [own(), scratchFile('graph.yaml', opaqueGraph(URL)), scratchFolder()];
    const started = await Promise.all([1, 2, 3].map(() => serve(options(graph, keys, store), { env })));
    const published = started.map(async ({ url }) => (await send(`${url}/jwks`)).text);
    expect(new Set(await Promise.all(published))).to.have.property('size', 1);
    expect(started.filter((served) => served.stderr().includes('new key file'))).to.have.length(1);
  });

  it('starts with other keys once the process that had the old ones has ended', async () => {
    const [store, graph] = [own(), scratchFile('graph.yaml', opaqueGraph(URL))];
    const first = await serve(options(graph, scratchFolder(), store), { env });
    expect(await first.stop()).to.equal(0);
    const second = await serve(options(graph, scratchFolder(), store), { env });
    expect((await ready(second)).status).to.equal(200);
  });

  it('reports differing graphs, in the log and at /readyz, until all processes have the same one', async () => {
    const [store, keys] = [own(), scratchFolder()];
    const graph = scratchFile('graph.yaml', opaqueGraph(URL));
    const changed = opaqueGraph(URL, { scopes: '[browse]' });
    const first = await serve(options(graph, keys, store), { env });
    const second = await serve(options(scratchFile('graph.yaml', changed), keys, store), { env });
    const [{ graph: digest }, { graph: running }] = [(await ready(second)).body, (await ready(first)).body];
    const told = await first.logged(DIFFER);
    expect(told).to.include({ level: 40, keys: 'same', graph: 'differ', running });
    const { status, body } = await ready(first);
    const peers = { others: 1, keys: 'same', graph: 'differ', graphs: [digest] };
    expect([status, body['peers']]).to.deep.equal([200, peers]);
    expect(linesOf(second, DIFFER)).to.have.length(1);
    writeFileSync(graph, changed);
    await Promise.all([first.logged(AGREE), second.logged(AGREE)]);
    for (const served of [first, second]) {
      expect((await ready(served)).body).to.deep.equal({ status: 'ready', graph: digest });
      expect(linesOf(served, DIFFER)).to.have.length(1);
    }
  });

  it('reports foreign keys that appear while it runs', async () => {
    const [store, graph] = [own(), scratchFile('graph.yaml', opaqueGraph(URL))];
    const [one, other] = [scratchFolder(), scratchFolder()];
    const first = await serve(options(graph, one, store), { env });
    await first.logged('the store is empty: assertions and DPoP proofs that were made earlier are refused');
    const file = path.join(other, 'keys.json');
    expect((await run(['keys', 'rotate', '--keys', file, '--alg', 'ES256'])).code).to.equal(0);
    const second = await serve(options(graph, one, store), { env });
    const port = await freePort();
    // It starts while the store is unavailable, and so does not know the others.
    redis.freeze();
    const starting = serve([...options(graph, other, store), '--port', String(port)], { env });
    const third = await starting.finally(() => redis.thaw());
    for (const served of [first, second, third]) {
      const line = await served.logged(
        'another process on this store has no key in common with this one: tokens of one are refused with the keys of the other',
      );
      expect(line).to.include({ level: 50 });
      expect((await ready(served)).body['peers']).to.include({ keys: 'foreign', graph: 'same' });
    }
  });

  it('does not start on a cluster', async () => {
    const cluster = await startRedis({ more: ['--cluster-enabled', 'yes', '--databases', '1'] });
    try {
      const graph = scratchFile('graph.yaml', opaqueGraph(URL));
      const { code, stderr } = await run(['serve', ...options(graph, scratchFolder(), cluster.url)], { env });
      expect([code, stderr.includes('cluster_enabled')]).to.deep.equal([2, true]);
    } finally {
      await cluster.remove();
    }
  });

  it('logs once each that the store may forget, is lost, is back, and has forgotten', async () => {
    const forgetful = await startRedis({ more: ['--appendonly', 'no'] });
    try {
      const graph = scratchFile('graph.yaml', opaqueGraph(URL));
      const args = options(graph, scratchFolder(), forgetful.url);
      const served = await serve(args, { env });
      const strict = await serve([...args, '--no-ready-without-store'], { env });
      expect(await served.logged('the store may forget')).to.include({ level: 40 });
      await forgetful.stop();
      const lost = 'the store is lost; until it is back, requests that need it are answered 503';
      expect(await served.logged(lost)).to.include({ level: 50 });
      await strict.logged(lost);
      const { status, body } = await ready(served);
      expect([status, body['status'], body['works']]).to.deep.equal([
        200,
        'ready without its store',
        ['keys', 'metadata', 'tokens'],
      ]);
      const unready = await ready(strict);
      expect([unready.status, unready.body['status']]).to.deep.equal([503, 'store unavailable']);
      const token = async (client: string): Promise<number> =>
        (
          await send(`${served.url}/token`, {
            method: 'POST',
            headers: {
              authorization: `Basic ${btoa(`${client}:secret+of+${client.toUpperCase()}`)}`,
              'content-type': 'application/x-www-form-urlencoded',
            },
            body: 'grant_type=client_credentials&scope=order',
          })
        ).status;
      expect([await token('app'), await token('web'), await token('app')]).to.deep.equal([200, 503, 200]);
      await served.logged('failed logins are counted by this process alone');
      await forgetful.start();
      await served.logged('the store is back');
      await eventually(10, async () => (await ready(strict)).status === 200);
      expect(await token('web')).to.equal(200);
      await served.logged('failed logins are counted in the store again');
      const messages = served.logLines().map(({ msg }) => msg);
      for (const message of [
        lost,
        'the store is back',
        'failed logins are counted by this process alone',
        'failed logins are counted in the store again',
      ])
        expect(
          messages.filter((each) => each === message),
          message,
        ).to.have.length(1);
      // A request may use the new connection, and say that the store is back, before the check for losses is complete.
      await eventually(10, () =>
        served.logLines().some(({ msg }) => msg.startsWith('the store may have lost data')),
      );
    } finally {
      await stopServing();
      await forgetful.remove();
    }
  });
});

describe('waybill serve with its store in memory, after a restart', () => {
  afterEach(stopServing);
  after(removeScratch);

  it('RFC 7523 section 3: refuses an assertion that was used before, and accepts one that was made after', async () => {
    const [web, folder] = [await pair('ES256', 'w1'), scratchFolder()];
    const jwks = scratchFile('web.jwks', JSON.stringify({ keys: [web.publicJwk] }), folder);
    const graph = scratchFile(
      'graph.yaml',
      `waybill: 1
name: shop
issuer: { url: '${URL}' }
defaults: { headers: { profile: node } }
clients:
  web:
    auth: { method: private_key_jwt, jwks_file: '${jwks}' }
    calls: { orders: [read] }
services:
  orders: { scopes: { read: {} } }
`,
      folder,
    );
    const start = async (): Promise<Served> =>
      serve([graph, '--port', '0', '--keys', path.join(folder, 'keys.json')]);
    const assertion = async (): Promise<string> =>
      new SignJWT({
        ...{ iss: 'web', sub: 'web', aud: URL, jti: `${performance.now()}` },
        ...{ iat: now(), exp: now() + 60 },
      })
        .setProtectedHeader({ alg: 'ES256', kid: 'w1' })
        .sign(web.privateKey);
    const ask = async ({ url }: Served, client_assertion: string) =>
      send(`${url}/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          scope: 'read',
          client_assertion_type: JWT_BEARER,
          client_assertion,
        }).toString(),
      });

    const first = await start();
    const used = await assertion();
    expect((await ask(first, used)).status).to.equal(200);
    await first.stop('SIGKILL');
    const second = await start();
    const refused = await ask(second, used);
    expect(refused.status).to.equal(401);
    expect(refused.body['error_description']).to.match(/too old.*Make a new one/);
    const fresh = await ask(second, await assertion());
    expect(fresh.status, fresh.text).to.equal(200);
  });
});
