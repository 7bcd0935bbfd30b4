import { once } from 'node:events';
import { EventEmitter } from 'node:events';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { expect } from 'chai';

import { FileFollower } from '../../../src/cli/serving/follow-files.ts';
import { atOnce } from '../../../src/planning/slices.ts';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';

describe('Following files', () => {
  let follower: FileFollower;
  const told = new EventEmitter();
  const next = async (): Promise<readonly string[]> => {
    const [files] = (await once(told, 'changed')) as [readonly string[]];
    return files;
  };

  beforeEach(() => {
    follower = new FileFollower();
  });
  afterEach(() => follower.close());
  after(removeScratch);

  const start = (): void => follower.start((files) => told.emit('changed', files), { keepsAlive: true });

  it('reports what changed between the first check and the start', async () => {
    const [one, other] = [scratchFile('one', '1'), scratchFile('other', '1')];
    atOnce(follower.follow([one, other]));
    writeFileSync(one, '22');
    start();
    expect(await next()).to.deep.equal([one]);
    rmSync(other);
    expect(await next()).to.deep.equal([other]);
  });

  it('reports a file that is added to a list or removed from it', async () => {
    const folder = scratchFolder();
    const [one, other] = [path.join(folder, 'one'), path.join(folder, 'other')];
    writeFileSync(one, '1');
    let list = [one];
    await follower.followListed(async () => list);
    start();
    writeFileSync(other, '1');
    list = [one, other];
    expect(await next()).to.deep.equal([other]);
    list = [other];
    expect(await next()).to.deep.equal([one]);
  });

  it('reports a file that never stops changing', async () => {
    const file = scratchFile('file', '');
    let looks = 0;
    await follower.followListed(async () => {
      looks += 1;
      writeFileSync(`${file}~`, 'x'.repeat(looks));
      renameSync(`${file}~`, file);
      return [file];
    });
    start();
    expect(await next()).to.deep.equal([file]);
    const first = looks;
    expect(first).to.be.within(5, 20);
    await next();
    expect(looks - first).to.be.within(5, 20);
  });
});
