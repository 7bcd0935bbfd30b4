import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { expect } from 'chai';

import { withLock } from '../../../src/issuer/keys/index.ts';
import { currentOwner } from '../../../src/issuer/keys/lock-owner.ts';
import { removeScratch, scratchFolder } from '../../support/files.ts';

describe('The lock of a key file', () => {
  after(removeScratch);

  const newFile = () => path.join(scratchFolder(), 'keys.json');

  it('admits one holder at a time, and is removed afterwards', async () => {
    const file = newFile();
    let [inside, most, turns] = [0, 0, 0];
    const turn = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await pause(5);
      turns += 1;
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 5 }, () => withLock(file, turn)));
    expect([most, turns]).to.deep.equal([1, 5]);
    expect(existsSync(`${file}.lock`)).to.equal(false);
  });

  it('is a file that its owner alone may read, and is gone after a failure', async () => {
    const file = newFile();
    const failed = withLock(file, async () => {
      expect(statSync(`${file}.lock`).mode & 0o777).to.equal(0o600);
      throw new Error('inside');
    });
    await failed.then(
      () => expect.fail('it passed'),
      (error: unknown) => expect((error as Error).message).to.equal('inside'),
    );
    expect(existsSync(`${file}.lock`)).to.equal(false);
  });

  it('that a process left behind is broken once it has not changed for long enough', async () => {
    const file = newFile();
    writeFileSync(`${file}.lock`, 'of a process that died');
    expect(await withLock(file, async () => 'in', 100)).to.equal('in');
    expect(existsSync(`${file}.lock`)).to.equal(false);
  });

  it('of a process of this host that has ended is broken at once, by one of many', async () => {
    const file = newFile();
    const { pid } = spawnSync(process.execPath, ['--version']);
    writeFileSync(`${file}.lock`, JSON.stringify({ ...currentOwner(), pid, began: '1' }));
    let [inside, most] = [0, 0];
    const turn = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await pause(5);
      inside -= 1;
    };
    // Nobody would get in before the test ends, were it not for the mark.
    await Promise.all(Array.from({ length: 5 }, () => withLock(file, turn, 3_600_000)));
    expect(most).to.equal(1);
    expect(readdirSync(path.dirname(file))).to.deep.equal([]);
  });

  it('of a number that is another process by now is broken at once', async () => {
    const file = newFile();
    writeFileSync(`${file}.lock`, JSON.stringify({ ...currentOwner(), began: '1' }));
    expect(await withLock(file, async () => 'in', 3_600_000)).to.equal('in');
  });

  it('that is not a lock file is named, not waited for', async () => {
    const file = newFile();
    mkdirSync(`${file}.lock`);
    const failed = await withLock(file, async () => 'in').catch((error: unknown) => error);
    expect(failed).to.include({ code: 'keys_invalid' });
    expect((failed as Error).message).to.contain(`${file}.lock is not a lock`);
  });

  it('is waited for while its holders change, however long that takes together', async () => {
    const file = newFile();
    let holder = 0;
    const holders = setInterval(() => writeFileSync(`${file}.lock`, `holder ${holder++}`), 20);
    writeFileSync(`${file}.lock`, 'the first holder');
    let isIn = false;
    const waiting = withLock(
      file,
      async () => {
        isIn = true;
      },
      1000,
    );
    await pause(1300);
    expect(isIn).to.equal(false);
    clearInterval(holders);
    await waiting;
    expect(isIn).to.equal(true);
  });

  it('tells a holder who stood still for too long that it is lost, and stays with the new one', async () => {
    const file = newFile();
    await withLock(file, async (isHeld) => {
      expect(isHeld()).to.equal(true);
      writeFileSync(`${file}.lock`, 'another one broke it');
      expect(isHeld()).to.equal(false);
    });
    expect(readFileSync(`${file}.lock`, 'utf8')).to.equal('another one broke it');
  });
});
