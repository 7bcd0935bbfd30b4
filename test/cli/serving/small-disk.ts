/** A file system of 64 KiB in memory, to be filled to the last byte. Mounting one takes the superuser. */
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { scratchFolder } from '../../support/files.ts';

export class SmallDisk {
  readonly folder = scratchFolder();
  /** Whether it could be mounted. */
  readonly isMounted =
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', this.folder]).status === 0;

  /** Fills the disk: no byte can be written any more; an empty file can still be created. */
  fill(): void {
    for (const size of [4_096, 1]) {
      for (let n = 0; n < 100; n += 1) {
        const file = path.join(this.folder, `filled-${size}-${n}`);
        try {
          writeFileSync(file, Buffer.alloc(size));
        } catch {
          rmSync(file, { force: true });
          break;
        }
      }
    }
  }

  remove(): void {
    if (this.isMounted) spawnSync('umount', [this.folder]);
  }
}
