/** Key files that cannot be created, read or written: nothing is left behind, and nothing hangs. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';

import { expect } from 'chai';

import { SmallDisk } from './small-disk.ts';
import { run, serve, stopServing } from '../../support/program.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';

const hasPipes = spawnSync('mkfifo', ['--version']).status === 0;
const env = { S: 'a secret' };
const graph = `waybill: 1
issuer: { url: 'http://127.0.0.1:8080' }
defaults: { headers: { profile: node } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: S }, calls: { shop: [browse] } }
services: { shop: { scopes: { browse: } } }
`;
/** A graph that needs shared state between requests, so that only one process may serve it. */
const opaque = graph.replace('secret_env: S },', 'secret_env: S }, token: opaque,');

function pipeAt(folder: string, name: string): string {
  const pipe = path.join(folder, name);
  expect(spawnSync('mkfifo', [pipe]).status).to.equal(0);
  return pipe;
}

describe('key files in trouble', () => {
  afterEach(stopServing);
  after(removeScratch);

  describe('on a full disk', () => {
    let disk: SmallDisk;
    beforeEach(function () {
      disk = new SmallDisk();
      if (!disk.isMounted) this.skip();
    });
    afterEach(() => disk.remove());

    it('keys rotate says so, changes nothing, and leaves neither lock nor draft (skipped where no disk can be mounted)', async () => {
      const keys = path.join(disk.folder, 'keys.json');
      expect((await run(['keys', 'rotate', '--keys', keys])).code).to.equal(0);
      const before = readFileSync(keys, 'utf8');
      disk.fill();
      const names = readdirSync(disk.folder);
      const { code, stderr } = await run(['keys', 'rotate', '--now', '--keys', keys]);
      expect(code).to.equal(2);
      expect(stderr).to.contain('cannot be written (ENOSPC)');
      expect(readFileSync(keys, 'utf8')).to.equal(before);
      expect(readdirSync(disk.folder)).to.deep.equal(names);
    });

    it('serve says that it cannot make a key file, and leaves nothing', async () => {
      disk.fill();
      const names = readdirSync(disk.folder);
      const keys = path.join(disk.folder, 'keys.json');
      for (const text of [graph, opaque]) {
        const args = ['serve', scratchFile('graph.yaml', text), '--port', '0', '--keys', keys];
        const { code, stderr } = await run(args, { env });
        expect(code).to.equal(2);
        expect(stderr).to.contain('cannot be written (ENOSPC)');
        expect(readdirSync(disk.folder)).to.deep.equal(names);
      }
    });

    it('serve takes over from a process that was killed, as far as it can', async () => {
      const keys = path.join(disk.folder, 'keys.json');
      const args = [scratchFile('graph.yaml', opaque), '--port', '0', '--keys', keys];
      const first = await serve(args, { env });
      await first.stop('SIGKILL');
      disk.fill();
      const names = readdirSync(disk.folder);
      const second = await serve(args, { env });
      await second.logged('it is not known whether another process serves with this key file');
      expect(readdirSync(disk.folder)).to.deep.equal(names);
    });
  });

  describe('while a port is in use', () => {
    it('serve leaves no new key file, and no mark', async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const folder = scratchFolder();
      for (const workers of ['1', '2']) {
        const keys = path.join(folder, 'keys.json');
        const args = [scratchFile('graph.yaml', graph), '--port', String(port), '--workers', workers];
        const { code, stderr } = await run(['serve', ...args, '--keys', keys], { env });
        expect(code).to.equal(2);
        expect(stderr.match(/Cannot listen on \S+ \(EADDRINUSE\)/g)).to.have.length(1);
        expect(readdirSync(folder)).to.deep.equal([]);
      }
      server.close();
    });
  });

  describe('with a pipe in the place of a file (skipped where none can be made)', () => {
    before(function () {
      if (!hasPipes) this.skip();
    });

    for (const command of [
      ['keys', 'list'],
      ['keys', 'rotate'],
      ['keys', 'rotate', '--now', '--alg', 'ES256'],
    ]) {
      it(`waybill ${command.join(' ')} says that it is not a file`, async () => {
        const folder = scratchFolder();
        const keys = pipeAt(folder, 'keys.json');
        const { code, stderr } = await run([...command, '--keys', keys]);
        expect(code).to.equal(2);
        expect(stderr).to.contain('it is not a file');
        expect(readdirSync(folder)).to.deep.equal(['keys.json']);
      });
    }

    it('serve says so too, and keys rotate for its lock', async () => {
      const folder = scratchFolder();
      const file = scratchFile('graph.yaml', graph);
      const served = await run(['serve', file, '--keys', pipeAt(folder, 'keys.json')], { env });
      expect([served.code, served.stderr.includes('it is not a file')]).to.deep.equal([2, true]);
      const keys = path.join(folder, 'others.json');
      const lock = pipeAt(folder, 'others.json.lock');
      const rotated = await run(['keys', 'rotate', '--keys', keys]);
      expect([rotated.code, rotated.stderr.includes(`${lock} is not a lock`)]).to.deep.equal([2, true]);
      expect(existsSync(keys)).to.equal(false);
    });

    it('serve ignores one in the place of its mark', async () => {
      const folder = scratchFolder();
      pipeAt(folder, 'keys.json.serving');
      const keys = path.join(folder, 'keys.json');
      const args = [scratchFile('graph.yaml', opaque), '--port', '0', '--keys', keys];
      const served = await serve(args, { env });
      expect(readFileSync(`${keys}.serving`, 'utf8')).to.contain(`"pid":${served.child.pid},`);
    });

    it('serve names the secret, the key set and the certificate that it cannot read', async () => {
      const folder = scratchFolder();
      const pipe = pipeAt(folder, 'pipe');
      const keys = path.join(folder, 'keys.json');
      const withSecret = graph.replace('secret_env: S', `secret_file: ${pipe}`);
      const withKeys = graph.replace(
        'client_secret_basic, secret_env: S',
        `private_key_jwt, jwks_file: ${pipe}`,
      );
      const tls = ['--tls-cert', pipe, '--tls-key', pipe];
      for (const [text, more, says] of [
        [withSecret, [], `web (file ${pipe})`],
        [withKeys, [], `web (file ${pipe})`],
        [graph, tls, `--tls-cert ${pipe} cannot be read as PEM`],
      ] as const) {
        const args = ['serve', scratchFile('graph.yaml', text), '--keys', keys, ...more];
        const { code, stderr } = await run(args, { env });
        expect(code).to.equal(2);
        expect(stderr).to.contain(says);
        expect(existsSync(keys)).to.equal(false);
      }
    });
  });
});
