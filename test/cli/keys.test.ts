import { chmodSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

import { expect } from 'chai';

import { removeScratch, scratchFile, scratchFolder } from '../support/scratch.ts';
import { run } from '../support/program.ts';

interface Listed {
  readonly file: string;
  readonly keys: readonly { kid: string; alg: string; status: string; created: string; retired?: string }[];
}

describe('waybill keys', () => {
  after(removeScratch);

  const newFile = () => path.join(scratchFolder(), 'keys.json');
  const list = async (file: string) =>
    JSON.parse((await run(['keys', 'list', '--keys', file, '--json'])).stdout) as Listed;

  it('rotate makes the file where it is missing, for its owner alone', async () => {
    const file = newFile();
    const { code, stdout } = await run(['keys', 'rotate', '--keys', file]);
    expect(code).to.equal(0);
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    const { keys } = await list(file);
    expect(keys.map(({ alg, status }) => [alg, status])).to.deep.equal([['ES256', 'active']]);
    expect(stdout).to.contain(keys[0]?.kid).and.to.contain('ES256').and.to.contain('SIGHUP');
  });

  it('rotate keeps the algorithm unless another is named, and retires the key before', async () => {
    const file = newFile();
    await run(['keys', 'rotate', '--keys', file, '--alg', 'Ed25519']);
    await run(['keys', 'rotate', '--keys', file]);
    const { keys } = await list(file);
    expect(keys.map(({ alg, status }) => [alg, status])).to.deep.equal([
      ['Ed25519', 'active'],
      ['Ed25519', 'retired'],
    ]);
    expect(keys[1]?.retired).to.match(/^\d{4}-\d{2}-\d{2}T/);
    await run(['keys', 'rotate', '--keys', file, '--alg', 'PS256']);
    const more = await list(file);
    expect(more.keys.map(({ alg, status }) => [alg, status])).to.deep.include.members([
      ['PS256', 'active'],
      ['Ed25519', 'active'],
    ]);
  });

  it('list and rotate print no private member, as text or as JSON', async () => {
    const file = newFile();
    const rotated = await run(['keys', 'rotate', '--keys', file, '--json']);
    const outputs = [
      rotated,
      await run(['keys', 'list', '--keys', file]),
      await run(['keys', 'list', '--keys', file, '--json']),
    ];
    const { keys } = JSON.parse(readFileSync(file, 'utf8')) as { keys: Record<string, string>[] };
    for (const { code, stdout, stderr } of outputs) {
      expect(code).to.equal(0);
      expect(stdout).to.contain(keys[0]?.['kid']);
      for (const member of ['d', 'x', 'y']) expect(stdout + stderr).to.not.contain(keys[0]?.[member]);
    }
  });

  it('list of a file that is missing is exit 2 and says how to make one', async () => {
    const file = newFile();
    const { code, stdout, stderr } = await run(['keys', 'list', '--keys', file]);
    expect([code, stdout]).to.deep.equal([2, '']);
    expect(stderr).to.contain(file).and.to.contain('waybill keys rotate');
  });

  it('a file that cannot be used is exit 2, is named, and stays as it is', async () => {
    const file = scratchFile('keys.json', '{"keys":[{"kid":"a"}]}');
    for (const command of ['list', 'rotate']) {
      const { code, stderr } = await run(['keys', command, '--keys', file]);
      expect(code).to.equal(2);
      expect(stderr).to.contain(file).and.to.contain('key 1 (a) has no `alg`');
    }
    expect(readFileSync(file, 'utf8')).to.equal('{"keys":[{"kid":"a"}]}');
  });

  it('a folder that cannot be written to is exit 2, without a stack trace', async () => {
    const file = path.join(scratchFolder(), 'missing', 'keys.json');
    const { code, stderr } = await run(['keys', 'rotate', '--keys', file]);
    expect(code).to.equal(2);
    expect(stderr).to.contain(`The key file ${file} cannot be written (ENOENT)`);
    expect(stderr).to.not.contain('    at ');
  });

  it('rotate gives a file that others could read back to its owner', async () => {
    const file = newFile();
    await run(['keys', 'rotate', '--keys', file]);
    chmodSync(file, 0o644);
    await run(['keys', 'rotate', '--keys', file]);
    expect(statSync(file).mode & 0o777).to.equal(0o600);
  });
});
