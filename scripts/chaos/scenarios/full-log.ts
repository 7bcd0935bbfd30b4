/** The disk of the log is full. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Scenario } from '../scenario.ts';
import type { Stage } from '../stage.ts';
import { until } from '../until.ts';

const DISK = '128k';
/** Of 4 KiB, more than the disk has. */
const BLOCKS = 64;
/** As many unknown scopes as a line of the log names, each as long as one may be: lines of more than a thousand bytes. */
const LONG_LINE = Array.from({ length: 10 }, (_, index) => `${index}`.repeat(128)).join(' ');

export const logDiskFull: Scenario = {
  name: 'log disk full',
  promise:
    'Requests are answered as before. Lines that cannot be written are dropped and counted, and /readyz says so.',
  needs: ['redis-server'],
  errors: [],
  async run(stage) {
    const disk = mountDisk(stage);
    const file = disk === undefined ? '/dev/full' : path.join(disk, 'log');
    const log = openSync(file, 'a');
    stage.atEnd(() => closeSync(log));
    const issuer = await stage.issuer({ store: await stage.redis(), log });
    const load = stage.load();
    await stage.inject(
      'a full disk',
      () => (disk === undefined ? undefined : fill(path.join(disk, 'filler'))),
      () => (isFull(disk) ? `writing to its disk fails with ENOSPC` : undefined),
    );
    const dropped = await until('dropped lines in /readyz', async () => {
      for (let line = 0; line < 50; line += 1) await stage.shopper.askInVain(stage.lane, LONG_LINE);
      const { body } = await stage.readiness(issuer);
      const { dropped = 0 } = (body['log'] ?? {}) as { readonly dropped?: number };
      return dropped > 0 && dropped;
    });
    await load.more(stage.times(50, 20_000));
    await load.stop();
    await stage.tryAll();
    if (disk !== undefined) {
      rmSync(path.join(disk, 'filler'));
      await until('the log to go on', async () => {
        await stage.shopper.issue(stage.lane);
        const isTold = readFileSync(file, 'utf8').includes('lines of the log were dropped');
        truncateSync(file); // as logrotate does: the waiting lines need more space than the disk has
        return isTold;
      });
    }
    await stage.endWell(issuer);
    return `${dropped} lines dropped and counted${disk === undefined ? '' : '; the log goes on when there is room'}`;
  },
};

/** @returns a small disk of its own; undefined where this user may not mount one. */
function mountDisk(stage: Stage): string | undefined {
  const disk = path.join(stage.folder, 'disk');
  mkdirSync(disk);
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', disk]);
  if (status !== 0) return undefined;
  stage.atEnd(() => void spawnSync('umount', ['--lazy', disk]));
  return disk;
}

function fill(file: string): void {
  const fd = openSync(file, 'w');
  try {
    for (let block = 0; block < BLOCKS; block += 1) writeFileSync(fd, Buffer.alloc(4096));
  } catch (error) {
    if (!isNoSpace(error)) throw error;
  } finally {
    closeSync(fd);
  }
}

/** Tries to write a file beside the log. */
function isFull(disk: string | undefined): boolean {
  try {
    writeFileSync(disk === undefined ? '/dev/full' : path.join(disk, 'probe'), Buffer.alloc(4096));
    return false;
  } catch (error) {
    return isNoSpace(error);
  }
}

function isNoSpace(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOSPC';
}
