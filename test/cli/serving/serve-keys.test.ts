import { readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { expect } from 'chai';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';

import { PUBLICATION_LEAD, RETENTION, readKeyFile } from '../../../src/issuer/keys/index.ts';
import { moveClock, type MovedClock } from '../../support/clock/moved-clock.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';
import { basic, send } from '../../support/http.ts';
import type { LogLine } from '../../support/issuer/start.ts';
import { run, serve, stopServing, type Served } from '../../support/program.ts';

const ISSUER = 'http://127.0.0.1:8080';
const GRAPH = `waybill: 1
name: shop
issuer: { url: '${ISSUER}' }
defaults: { headers: { profile: node } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    calls: { orders: [read] }
services:
  orders: { scopes: { read: {} } }
`;
const WITH_ED25519 = GRAPH.replace(`${ISSUER}'`, `${ISSUER}', signing: Ed25519`);
const EARLY =
  'the signing key was published only recently; verifiers that cache keys refuse its tokens until they fetch the keys again';
const BROKEN = 'the key file cannot be used; the running keys stay in place';

async function token(served: Served): Promise<string> {
  const { url } = served;
  const { status, text, body } = await send(`${url}/token`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: basic('web', 'web secret'),
    },
    body: 'grant_type=client_credentials&scope=read',
  });
  // On a machine that stalls for a second the issuer refuses requests: a client asks again.
  if (status === 503) return token(served);
  expect(status, text).to.equal(200);
  return body['access_token'] as string;
}

const signs = async (served: Served) => decodeProtectedHeader(await token(served)).kid;

async function published({ url }: Served): Promise<string[]> {
  const { keys } = JSON.parse((await send(`${url}/jwks`)).text) as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid);
}

const linesWith = (served: Served, message: string): LogLine[] =>
  served.logLines().filter(({ msg }) => msg === message);

describe('waybill serve and its key file', () => {
  let clock: MovedClock;
  before(() => {
    clock = moveClock();
  });
  afterEach(stopServing);
  after(() => {
    clock.restore();
    removeScratch();
  });

  const setUp = (text = GRAPH) => {
    const folder = scratchFolder();
    return { graph: scratchFile('shop.yaml', text, folder), keys: path.join(folder, 'keys.json') };
  };
  const start = async ({ graph, keys }: { graph: string; keys: string }, ...args: string[]) =>
    serve([graph, '--port', '0', '--keys', keys, ...args], {
      env: { ...clock.env, WEB_SECRET: 'web secret' },
    });
  const rotate = async (keys: string, ...args: string[]) =>
    run(['keys', 'rotate', '--keys', keys, ...args], { env: clock.env });
  const kid = (keys: string, status: string) =>
    readKeyFile(keys)?.find((record) => record.status === status)?.kid;

  /** In one step, as the program itself does it. */
  function replace(file: string, text: string): void {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  }

  /** Waits until a condition holds: what is waited for is bounded by the test's own time. */
  async function until(condition: () => Promise<boolean>): Promise<void> {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  it('follows a rotation: the new key signs, the old and the next key are published', async () => {
    const at = setUp();
    const served = await start(at, '--no-watch');
    const old = await token(served);
    expect(await published(served)).to.include(kid(at.keys, 'next'));
    clock.move(PUBLICATION_LEAD);
    expect((await rotate(at.keys)).code).to.equal(0);
    const taken = await served.logged('new keys in use');
    expect(taken['signs']).to.equal(kid(at.keys, 'active'));
    expect(taken['published']).to.have.lengthOf(3);
    expect(linesWith(served, EARLY)).to.deep.equal([]);
    const fresh = await token(served);
    expect(decodeProtectedHeader(fresh).kid).to.equal(kid(at.keys, 'active'));
    expect(decodeProtectedHeader(old).kid).to.equal(kid(at.keys, 'retired'));
    const remote = createRemoteJWKSet(new URL(`${served.url}/jwks`));
    await jwtVerify(fresh, remote, { issuer: ISSUER, audience: 'orders', currentDate: new Date(Date.now()) });
    expect(await published(served)).to.have.members((readKeyFile(at.keys) ?? []).map((record) => record.kid));
  });

  it('signs only with keys that were published before', async () => {
    const at = setUp();
    const served = await start(at);
    let [running, asked] = [true, 0];
    const client = async (): Promise<void> => {
      while (running) {
        const before = await published(served);
        expect(before).to.include(await signs(served));
        asked += 1;
      }
    };
    const clients = Array.from({ length: 4 }, client);
    for (let times = 0; times < 3; times += 1) {
      clock.move(PUBLICATION_LEAD);
      expect((await rotate(at.keys)).code).to.equal(0);
      await served.logged('new keys in use');
    }
    running = false;
    await Promise.all(clients);
    expect(asked).to.be.at.least(4);
    expect(await signs(served)).to.equal(kid(at.keys, 'active'));
  });

  it('SIGHUP loads it too', async () => {
    const at = setUp();
    const served = await start(at, '--no-watch');
    clock.move(PUBLICATION_LEAD);
    await rotate(at.keys);
    served.child.kill('SIGHUP');
    await served.logged('reloaded');
    expect(await signs(served)).to.equal(kid(at.keys, 'active'));
  });

  it('warns if verifiers may not know the signing key, now and after a restart', async () => {
    const at = setUp();
    const served = await start(at);
    expect(linesWith(served, EARLY)).to.deep.equal([]); // a new file has no key that anyone could have kept
    await rotate(at.keys, '--now');
    expect(await served.logged(EARLY)).to.include({ level: 40, signs: kid(at.keys, 'active') });
    await served.stop();
    const again = await start(at);
    expect(await again.logged(EARLY)).to.include({ signs: kid(at.keys, 'active') });
    await again.stop();
    clock.move(PUBLICATION_LEAD);
    const later = await start(at);
    expect(linesWith(later, EARLY)).to.deep.equal([]);
  });

  it('keeps the running keys if the file is missing or broken, reports it once, and does not create it', async () => {
    const at = setUp();
    const served = await start(at);
    const before = await signs(served);
    const text = readFileSync(at.keys, 'utf8');
    rmSync(at.keys);
    expect((await served.logged(BROKEN))['reason']).to.contain(`The key file ${at.keys} is gone`);
    replace(at.keys, 'not json');
    expect((await served.logged(BROKEN))['reason']).to.contain('it is not JSON');
    expect(await signs(served)).to.equal(before);
    const double = JSON.parse(text) as { keys: object[] };
    replace(at.keys, JSON.stringify({ keys: [...double.keys, { ...double.keys[0], kid: 'again' }] }));
    expect((await served.logged(BROKEN))['reason']).to.match(/two keys for ES256|the same key/);
    replace(at.keys, '{"keys":[]}');
    expect((await served.logged(BROKEN))['reason']).to.contain('No active key signs with ES256');
    expect(await signs(served)).to.equal(before);
    expect(await published(served)).to.include(before);
    expect(linesWith(served, BROKEN)).to.have.lengthOf(4);
    served.child.kill('SIGHUP'); // the graph is reloaded on the running keys
    await served.logged('reloaded');
    expect(await signs(served)).to.equal(before);
    replace(at.keys, text);
    await rotate(at.keys, '--now');
    await until(async () => (await signs(served)) === kid(at.keys, 'active'));
    expect(readdirSync(path.dirname(at.keys)).sort()).to.deep.equal(['keys.json', 'shop.yaml']);
  });

  it('a removed key is no longer published, with a warning about its tokens', async () => {
    const at = setUp();
    const served = await start(at);
    const leaked = await signs(served);
    rmSync(at.keys); // as docs/how-to/rotate-keys.md says
    await rotate(at.keys);
    expect(
      await served.logged(
        'keys were removed while their tokens may be valid; these tokens are refused from now on',
      ),
    ).to.deep.include({
      level: 40,
      gone: [leaked],
    });
    expect(await published(served)).to.not.include(leaked);
    expect(await signs(served)).to.equal(kid(at.keys, 'active'));
  });

  it('two processes that start without a file sign with keys that both publish', async () => {
    const at = setUp();
    const both = await Promise.all([start(at), start(at)]);
    const inFile = (readKeyFile(at.keys) ?? []).map((record) => record.kid);
    expect(inFile).to.have.lengthOf(2);
    for (const served of both) {
      expect(await published(served)).to.deep.equal(inFile);
      expect(await signs(served)).to.equal(kid(at.keys, 'active'));
    }
    const made = both.filter((served) => served.stderr().includes('new key file'));
    expect(made).to.have.lengthOf(1);
  });

  describe('with a schedule', () => {
    it('two processes rotate once, and both sign with the new key', async () => {
      const at = setUp();
      const first = await start(at, '--rotate-keys', '1d');
      const second = await start(at, '--rotate-keys', '1d');
      const next = kid(at.keys, 'next');
      clock.move(24 * 60 * 60);
      for (const served of [first, second]) {
        const { signs: taken } = await served.logged('new keys in use');
        expect(taken).to.equal(next);
        expect(await signs(served)).to.equal(next);
      }
      const rotations = [first, second].flatMap((served) => linesWith(served, 'keys rotated'));
      expect(rotations).to.have.lengthOf(1);
      expect(rotations[0]).to.deep.include({ signs: [next], retired: [kid(at.keys, 'retired')] });
      const records = readKeyFile(at.keys) ?? [];
      expect(records.map(({ status }) => status).sort()).to.deep.equal(['active', 'next', 'retired']);
      for (const served of [first, second])
        expect(await published(served)).to.have.members(records.map((record) => record.kid));
      expect(readdirSync(path.dirname(at.keys)).sort()).to.deep.equal(['keys.json', 'shop.yaml']);
    });

    it('adds a next key to a file of an older version immediately', async () => {
      const at = setUp();
      await rotate(at.keys);
      const stored = JSON.parse(readFileSync(at.keys, 'utf8')) as { keys: { status: string }[] };
      writeFileSync(
        at.keys,
        JSON.stringify({ keys: stored.keys.filter(({ status }) => status === 'active') }),
      );
      const served = await start(at, '--rotate-keys', '30d');
      await served.logged('next key made');
      await served.logged('new keys in use');
      expect(await published(served)).to.include(kid(at.keys, 'next'));
    });

    it('an abandoned lock only delays it', async () => {
      const at = setUp();
      const served = await start(at, '--rotate-keys', '1d');
      writeFileSync(`${at.keys}.lock`, 'of a process that died');
      const next = kid(at.keys, 'next');
      clock.move(24 * 60 * 60);
      await until(async () => {
        clock.move(1); // the time for which a lock stays the same is time too
        return (await signs(served)) === next;
      });
      expect(readdirSync(path.dirname(at.keys)).sort()).to.deep.equal(['keys.json', 'shop.yaml']);
    });

    it('reports a failed write, keeps its keys, and tries again in a minute', async () => {
      const at = setUp();
      const served = await start(at, '--rotate-keys', '1d');
      const before = await signs(served);
      const text = readFileSync(at.keys, 'utf8');
      replace(at.keys, 'not json');
      await served.logged(BROKEN);
      clock.move(24 * 60 * 60);
      const failed = 'the keys could not be rotated; the next attempt is in a minute';
      expect((await served.logged(failed))['reason']).to.contain('it is not JSON');
      expect(await signs(served)).to.equal(before);
      replace(at.keys, text);
      clock.move(60);
      await served.logged('keys rotated');
      expect(await signs(served)).to.equal(kid(at.keys, 'active'));
      expect(linesWith(served, failed)).to.have.lengthOf(1);
    });

    it('refuses an invalid period, a period that is too short, and a file that cannot be replaced', async () => {
      const at = setUp();
      for (const period of ['30', '2h', '0d', '-1d', '1.5d', '30m', '9999d', 'daily', '']) {
        const { code, stderr } = await run(['serve', at.graph, '--keys', at.keys, `--rotate-keys=${period}`]);
        expect(code, period).to.equal(2);
        expect(stderr).to.contain('from 3h to 3650d');
      }
      const missing = path.join(path.dirname(at.keys), 'missing', 'keys.json');
      const { code, stderr } = await run(['serve', at.graph, '--keys', missing, '--rotate-keys', '3h']);
      expect(code).to.equal(2);
      expect(stderr).to.contain(`The key file ${missing} cannot be written`);
      expect(readdirSync(path.dirname(at.keys))).to.deep.equal(['shop.yaml']);
    });
  });

  describe('if the graph changes its algorithm', () => {
    const REFUSED = 'reloading failed; the running graph stays in place';

    it('keeps the running graph without a key, and logs the command that creates one', async () => {
      const at = setUp();
      const served = await start(at);
      writeFileSync(at.graph, WITH_ED25519);
      const { reason } = await served.logged(REFUSED);
      expect(reason)
        .to.contain('No active key signs with Ed25519')
        .and.to.contain('keys rotate --alg Ed25519');
      expect(decodeProtectedHeader(await token(served)).alg).to.equal('ES256');
    });

    it('waits until its key is known, then loads the graph; old keys stay until their tokens expire', async () => {
      const at = setUp();
      const served = await start(at, '--rotate-keys', '30d');
      const old = await token(served);
      clock.move(60);
      await rotate(at.keys, '--alg', 'Ed25519');
      await served.logged('new keys in use');
      expect(await published(served)).to.have.lengthOf(4);
      writeFileSync(at.graph, WITH_ED25519);
      const { reason } = await served.logged(REFUSED);
      expect(reason)
        .to.contain('not every verifier knows it before')
        .and.to.contain('The graph is reloaded then');
      expect(decodeProtectedHeader(await token(served)).alg).to.equal('ES256');
      clock.move(PUBLICATION_LEAD);
      await served.logged("every verifier now knows the key of the graph's new algorithm");
      await served.logged('reloaded');
      const fresh = await token(served);
      expect(decodeProtectedHeader(fresh).alg).to.equal('Ed25519');
      const { kid: oldKid } = decodeProtectedHeader(old);
      expect(await published(served)).to.include(oldKid);
      clock.move(30 * 24 * 60 * 60);
      await served.logged('keys rotated');
      await served.logged('new keys in use');
      expect(readKeyFile(at.keys)?.find((record) => record.kid === oldKid)?.status).to.equal('retired');
      expect(await published(served)).to.include(oldKid);
      clock.move(RETENTION);
      await served.logged('new keys in use');
      expect(await published(served)).to.not.include(oldKid);
      expect((await published(served)).length).to.equal(2);
    });
  });
});
