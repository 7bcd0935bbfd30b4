/** `waybill serve` beside another one with the same key file, each with its own state. */
import { existsSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { expect } from 'chai';

import { run, serve, stopServing, type Served } from '../../support/program.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';

const WAITING = 'another process serves with this key file; waiting for its end';
const STOPPING = 'another process with this key file is stopping; waiting until it no longer serves';
const env = { S: 'a secret' };

/** A graph that needs no memory, and the same with opaque tokens. */
const plain = `waybill: 1
issuer: { url: 'http://127.0.0.1:8080' }
defaults: { headers: { profile: node } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: S }, calls: { shop: [browse] } }
services: { shop: { scopes: { browse: } } }
`;
const opaque = plain.replace('secret_env: S },', 'secret_env: S }, token: opaque,');

describe('waybill serve with its memory as the store', () => {
  let keys: string;
  let mark: string;

  beforeEach(() => {
    keys = path.join(scratchFolder(), 'keys.json');
    mark = `${keys}.serving`;
  });
  afterEach(stopServing);
  after(removeScratch);

  const optionsAt = (file: string) => [file, '--port', '0', '--keys', keys, '--no-watch'];
  const options = (graph: string) => optionsAt(scratchFile('graph.yaml', graph));
  const start = async (graph: string) => serve(options(graph), { env });
  const attempt = async (graph: string) => run(['serve', ...options(graph)], { env });
  const owner = () => JSON.parse(readFileSync(mark, 'utf8')) as { pid: number; place: string; id: string };
  const isServing = async ({ url }: Served) => (await fetch(`${url}/healthz`)).status === 200;

  it('is refused beside another process, which goes on, and says what to do', async () => {
    const first = await start(opaque);
    expect(owner().pid).to.equal(first.child.pid);
    const { code, stdout, stderr } = await attempt(opaque);
    expect([code, stdout]).to.deep.equal([2, '']);
    expect(stderr)
      .to.contain(WAITING)
      .and.contain(`Another process (${first.child.pid} on `)
      .and.contain('its own state for opaque tokens')
      .and.contain('--store redis://');
    expect(await isServing(first)).to.equal(true);
    expect(owner().pid).to.equal(first.child.pid);
  });

  it('is refused whatever the graph has to remember, and by whichever name it finds the key file', async () => {
    const first = await start(opaque);
    const exchanging = plain.replace(
      'shop: {',
      'shop: { auth: { method: client_secret_basic, secret_env: S },',
    );
    const asserting = plain.replace(
      'client_secret_basic, secret_env: S',
      'private_key_jwt, jwks_uri: https://a.example/jwks',
    );
    keys = path.join(scratchFolder(), 'link.json');
    symlinkSync(mark.replace('.serving', ''), keys);
    const outcomes = await Promise.all([exchanging, asserting].map(attempt));
    expect(outcomes.map(({ code }) => code)).to.deep.equal([2, 2]);
    expect(outcomes[0]?.stderr).to.contain('for revocations: ');
    expect(outcomes[1]?.stderr).to.contain('for used assertions: ');
    expect(await isServing(first)).to.equal(true);
  });

  it('may run beside others where the graph needs no memory', async () => {
    for (const served of [await start(plain), await start(plain)]) {
      expect(await isServing(served)).to.equal(true);
      expect(served.stderr()).to.not.contain(WAITING);
    }
    expect(existsSync(mark)).to.equal(false);
  });

  it('may run with another key file, which makes it another issuer', async () => {
    await start(opaque);
    keys = path.join(scratchFolder(), 'keys.json');
    expect(await isServing(await start(opaque))).to.equal(true);
  });

  it('waits for one that is about to end, as when it is replaced', async () => {
    const first = await start(opaque);
    const served = await serve(options(opaque), {
      env,
      heard: (text) => void (text.includes(WAITING) && first.stop()),
    });
    expect(served.stderr()).to.contain(WAITING);
    expect(owner().pid).to.equal(served.child.pid);
    expect(await served.stop()).to.equal(0);
    expect(existsSync(mark), 'the mark of a process that ended').to.equal(false);
  });

  it('waits for one that is stopping as long as that takes, and says so once', async () => {
    const slow = [...options(opaque), '--shutdown-delay', '7']; // longer than one that goes on is waited for
    const first = await serve(slow, { env });
    first.child.kill('SIGTERM');
    await first.logged('stopping');
    const served = await start(opaque);
    expect(owner().pid).to.equal(served.child.pid);
    expect(await first.ended).to.equal(0);
    expect(owner().pid, 'the file of the successor stays').to.equal(served.child.pid);
    const told = served.logLines().filter(({ msg }) => msg === WAITING || msg === STOPPING);
    expect(told.map(({ msg }) => msg)).to.deep.equal([STOPPING]);
    expect(told[0]).to.include({ pid: first.child.pid, seconds: 14 });
  });

  it('waits no longer for one that began to stop and was killed', async () => {
    const first = await serve([...options(opaque), '--shutdown-delay', '600'], { env });
    first.child.kill('SIGTERM');
    await first.logged('stopping');
    const served = await serve(options(opaque), {
      env,
      heard: (text) => void (text.includes(STOPPING) && first.stop('SIGKILL')),
    });
    expect(owner().pid).to.equal(served.child.pid);
  });

  it('takes the place of one that was killed, at once', async () => {
    const first = await start(opaque);
    await first.stop('SIGKILL');
    expect(owner().pid).to.equal(first.child.pid);
    const second = await start(opaque);
    expect(owner().pid).to.equal(second.child.pid);
  });

  it('leaves nothing behind where it cannot start', async () => {
    const { code } = await run(['serve', ...options(opaque)], { env: { S: '' } });
    expect(code).to.equal(2);
    expect(existsSync(mark)).to.equal(false);
  });

  it('does not take up a graph that needs the memory which another process has', async () => {
    const file = scratchFile('graph.yaml', plain);
    const beside = await serve(optionsAt(file), { env });
    await start(opaque);
    writeFileSync(file, opaque);
    beside.child.kill('SIGHUP');
    const { reason } = await beside.logged('reloading failed; the running graph stays in place');
    expect(reason).to.match(/^Another process \(\d+ on .*opaque tokens/);
    expect(await isServing(beside)).to.equal(true);
  });

  it('holds the memory that a graph needs which it takes up', async () => {
    const file = scratchFile('graph.yaml', plain);
    const first = await serve(optionsAt(file), { env });
    writeFileSync(file, opaque);
    first.child.kill('SIGHUP');
    await first.logged('reloaded');
    expect(owner().pid).to.equal(first.child.pid);
  });

  it('holds it too where the mark beside the keys is that of a process which was killed', async () => {
    const killed = await start(opaque);
    await killed.stop('SIGKILL');
    const file = scratchFile('graph.yaml', plain);
    const served = await serve(optionsAt(file), { env });
    writeFileSync(file, opaque);
    served.child.kill('SIGHUP');
    await served.logged('reloaded');
    expect(owner().pid).to.equal(served.child.pid);
    expect(await served.stop()).to.equal(0);
    expect(existsSync(mark)).to.equal(false);
  });

  describe('beside the mark of a process that cannot be asked', () => {
    const foreign = JSON.stringify({ id: 'x', place: 'elsewhere boot pid:[1]', pid: 1 });

    it('waits, and takes its place when nobody touches the mark any more', async () => {
      const texts = [foreign, '', 'no JSON', 'null', 'x'.repeat(10_000)];
      const taken = texts.map(async (text) => {
        keys = path.join(scratchFolder(), 'keys.json');
        const left = `${keys}.serving`;
        writeFileSync(left, text);
        const served = await start(opaque);
        expect(served.stderr()).to.contain(WAITING);
        expect(readFileSync(left, 'utf8')).to.contain(`"pid":${served.child.pid},`);
      });
      await Promise.all(taken);
    });

    it('is refused where it is touched', async () => {
      writeFileSync(mark, foreign);
      let beat = 1_000_000_000;
      const beating = setInterval(() => utimesSync(mark, beat, (beat += 1)), 500);
      const { code, stderr } = await attempt(opaque);
      clearInterval(beating);
      expect(code).to.equal(2);
      expect(stderr).to.contain('Another process (1 on elsewhere)');
      expect(readFileSync(mark, 'utf8')).to.equal(foreign);
    });

    it('is refused where one that said that it stops goes on for longer than that', async () => {
      writeFileSync(mark, JSON.stringify({ id: 'x', place: 'elsewhere', pid: 1, endsWithin: 100 }));
      let beat = 1_000_000_000;
      const beating = setInterval(() => utimesSync(mark, beat, (beat += 1)), 500);
      const { code, stderr } = await attempt(opaque);
      clearInterval(beating);
      expect([code, stderr.includes(STOPPING)]).to.deep.equal([2, true]);
      expect(stderr).to.contain('Another process (1 on elsewhere)');
    });

    it('takes its place where the number is another process’s by now', async () => {
      const first = await start(opaque);
      const { place } = owner();
      await first.stop();
      writeFileSync(mark, JSON.stringify({ id: 'x', place, pid: process.pid, began: '1' }));
      const served = await start(opaque);
      expect(owner().pid).to.equal(served.child.pid);
    });
  });

  it('ends when another has taken over while it was suspended', async () => {
    const served = await start(opaque);
    writeFileSync(mark, JSON.stringify({ id: 'another', place: 'elsewhere', pid: 1 }));
    expect(await served.ended).to.equal(1);
    expect(served.stderr()).to.contain('another process has taken over the key file');
    expect(readFileSync(mark, 'utf8')).to.contain('another');
  });
});
