import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';

import { expect } from 'chai';

import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';
import { basic, send, freePort } from '../../support/http.ts';
import { ask, run, serve, stopServing, type Served } from '../../support/program.ts';

const GRAPH = `waybill: 1
name: shop
issuer: { url: 'http://127.0.0.1:8080' }
defaults: { headers: { profile: node } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    default_scopes: [place]
    calls: { orders: [place] }
  app:
    auth: { method: client_secret_post, secret_file: FILE }
    calls: { orders: [place] }
services:
  orders: { scopes: { place: {} } }
`;
const env = { WEB_SECRET: 'web secret', APP_SECRET: 'x' };

/** A folder with the graph, its secret file, and a place for keys. */
function setUp(text = GRAPH): { folder: string; graph: string; keys: string } {
  const folder = scratchFolder();
  const secret = scratchFile('app.secret', 'app secret\n', folder);
  const graph = scratchFile('shop.yaml', text.replace('FILE', secret), folder);
  return { folder, graph, keys: path.join(folder, 'keys.json') };
}

const start = ({ graph, keys }: { graph: string; keys: string }, ...args: string[]) =>
  serve([graph, '--port', '0', '--keys', keys, ...args], { env });

const tokenFrom = async (served: Served) => ask(served, env.WEB_SECRET);

describe('waybill serve', () => {
  afterEach(stopServing);
  after(removeScratch);

  it('prints its address, issues, and reads secrets from the environment and from files', async () => {
    const served = await start(setUp());
    expect(served.url).to.match(/^http:\/\/127\.0\.0\.1:\d+$/);
    const { status, body } = await tokenFrom(served);
    expect([status, body['scope']]).to.deep.equal([200, 'place']);
    const app = await send(`${served.url}/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=client_credentials&client_id=app&client_secret=app+secret&scope=place',
    });
    expect(app.status).to.equal(200);
    expect((await send(`${served.url}/healthz`)).status).to.equal(200);
    expect((await send(`${served.url}/readyz`)).body['status']).to.equal('ready');
  });

  it('logs its graph, one JSON object per line, without a secret or a token', async () => {
    const served = await start(setUp());
    const { body } = await tokenFrom(served);
    await served.logged('issued');
    const started = served.logLines()[0];
    expect(started).to.include({ msg: 'started', graph: 'shop', clients: 2, services: 1 });
    expect(started?.['digest']).to.match(/^[0-9a-f]{64}$/);
    expect(started?.['time']).to.match(/^\d{4}-\d{2}-\d{2}T/);
    for (const secret of [env.WEB_SECRET, 'app secret', body['access_token'] as string])
      expect(served.stderr()).to.not.contain(secret);
    const quiet = await start(setUp(), '--log-level', 'silent');
    await tokenFrom(quiet);
    expect(quiet.logLines()).to.deep.equal([]);
  });

  it('creates a missing key file, says so, and uses it from then on', async () => {
    const at = setUp();
    const first = await start(at);
    expect(first.stderr()).to.match(
      new RegExp(`^new key file {2}${at.keys} was missing .* with two ES256 keys`),
    );
    expect(statSync(at.keys).mode & 0o777).to.equal(0o600);
    const kids = async ({ url }: Served) =>
      (JSON.parse((await send(`${url}/jwks`)).text) as { keys: { kid: string }[] }).keys.map(
        ({ kid }) => kid,
      );
    const published = await kids(first);
    await first.stop();
    const second = await start(at);
    expect(second.stderr()).to.not.contain('new key file');
    expect(await kids(second)).to.deep.equal(published);
  });

  it('warns if others may read the key file, and says what to do', async () => {
    const at = setUp();
    await run(['keys', 'rotate', '--keys', at.keys]);
    chmodSync(at.keys, 0o644);
    const served = await start(at);
    expect(served.stderr())
      .to.contain(`warning  ${at.keys} contains private keys`)
      .and.to.contain(`chmod 600 ${at.keys}`);
  });

  it('SIGTERM and SIGINT end it with exit 0', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const served = await start(setUp());
      await tokenFrom(served); // leaves a connection open, as clients do
      expect(await served.stop(signal)).to.equal(0);
      expect(served.logLines().at(-1)).to.include({ msg: 'stopped' });
    }
  });

  it('SIGTERM lets a running request finish', async () => {
    const served = await start(setUp());
    const { hostname, port } = new URL(served.url);
    const body = 'grant_type=client_credentials';
    let answer = '';
    const socket = connect(Number(port), hostname);
    socket.setEncoding('utf8').on('data', (data: string) => (answer += data));
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.write(
      `POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nAuthorization: ${basic('web', env.WEB_SECRET)}\r\n` +
        `Content-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`,
    );
    await new Promise((resolve) => socket.once('data', resolve)); // 100 Continue: the request has arrived
    served.child.kill('SIGTERM');
    await served.logged('stopping');
    socket.write(body);
    await closed;
    expect(answer)
      .to.match(/HTTP\/1\.1 200 OK/)
      .and.to.contain('"access_token"');
    expect(await served.ended).to.equal(0);
  });
});

describe('waybill serve that cannot start', () => {
  after(removeScratch);

  it('a missing secret: exit 2, listing every client without one', async () => {
    const { graph, keys } = setUp(GRAPH.replace('FILE', '/nowhere/secret'));
    const { code, stdout, stderr } = await run(['serve', graph, '--port', '0', '--keys', keys]);
    expect([code, stdout]).to.deep.equal([2, '']);
    expect(stderr).to.contain('web (environment variable WEB_SECRET), app (file /nowhere/secret)');
    expect(existsSync(keys), 'a key file for an issuer that never ran').to.equal(false);
  });

  it('a port in use: exit 2, naming it', async () => {
    const { graph, keys } = setUp();
    const port = await freePort();
    const first = await serve([graph, '--port', `${port}`, '--keys', keys], { env });
    const { code, stdout, stderr } = await run(['serve', graph, '--port', `${port}`, '--keys', keys], {
      env,
    });
    expect([code, stdout]).to.deep.equal([2, '']);
    expect(stderr).to.contain(`Cannot listen on 127.0.0.1:${port} (EADDRINUSE)`).and.to.contain('--port');
    await first.stop();
  });

  it('a graph with errors: exit 1 and the findings', async () => {
    const { graph, keys } = setUp(GRAPH.replace('orders: [place]', 'order: [place]'));
    const { code, stderr } = await run(['serve', graph, '--port', '0', '--keys', keys], { env });
    expect(code).to.equal(1);
    expect(stderr)
      .to.contain(`${graph}:`)
      .and.to.contain('unknown-service')
      .and.to.contain('Did you mean orders?');
    expect(existsSync(keys)).to.equal(false);
  });

  it('a broken key file: exit 2, and the file stays', async () => {
    const { graph, keys } = setUp();
    writeFileSync(keys, '{}');
    const { code, stderr } = await run(['serve', graph, '--port', '0', '--keys', keys], { env });
    expect(code).to.equal(2);
    expect(stderr).to.contain(`The key file ${keys} cannot be used`);
    expect(readFileSync(keys, 'utf8')).to.equal('{}');
  });

  it('ends after any startup error with a store elsewhere', async () => {
    const { graph, keys } = setUp();
    writeFileSync(keys, '{}');
    const args = ['serve', graph, '--port', '0', '--keys', keys, '--store', 'redis://127.0.0.1:1'];
    expect((await run(args, { env })).code, 'the key file').to.equal(2);
    expect((await run(args, { env: {} })).code, 'the secrets').to.equal(2);
  });

  it('no key for the algorithm of the graph: exit 2, with the command that creates one', async () => {
    const { graph, keys } = setUp(GRAPH.replace(':8080', ":8080', signing: 'Ed25519"));
    await run(['keys', 'rotate', '--keys', keys]);
    const { code, stderr } = await run(['serve', graph, '--port', '0', '--keys', keys], { env });
    expect(code).to.equal(2);
    expect(stderr).to.contain(`waybill keys rotate --keys ${keys} --alg Ed25519`);
  });
});
