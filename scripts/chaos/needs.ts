/** Programs that scenarios use. A scenario whose programs are missing is reported as skipped. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { hasRedisServer } from '../../test/support/redis.ts';
import type { Need } from './scenario.ts';

/** Debian has a folder for each kind of processor. */
const LIBRARIES = '/usr/lib';

/** @returns the library of libfaketime; undefined where it is not installed. */
export function libfaketime(): string | undefined {
  return readdirSync(LIBRARIES)
    .map((name) => path.join(LIBRARIES, name, 'faketime/libfaketimeMT.so.1'))
    .find((file) => existsSync(file));
}

export function missingOf(needs: readonly Need[]): Need[] {
  const isThere: Readonly<Record<Need, () => boolean>> = {
    'redis-server': () => hasRedisServer,
    faketime: () => libfaketime() !== undefined,
  };
  return needs.filter((need) => !isThere[need]());
}
