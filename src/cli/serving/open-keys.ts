/** The key file of `serve`. */
import { systemClock } from '../../clock.ts';
import { WaybillError } from '../../errors.ts';
import {
  KeyKeeper,
  changeKeyFile,
  isExposed,
  keyRing,
  keyWith,
  readKeyFile,
  rotate,
  type KeyRecord,
  type KeyRing,
} from '../../issuer/keys/index.ts';
import type { SigningAlgorithm } from '../../token/index.ts';
import { paint, plain, printNote } from '../output/terminal.ts';

export interface OpenedKeys {
  /** The keys; if the file is missing, new keys that are not stored yet. */
  readonly ring: KeyRing;
  readonly isNew: boolean;
  /**
   * Creates a missing file, with a note; warns if others may read it. If another process created it first, that
   * process's keys are used.
   *
   * @param every seconds for which a key signs; undefined without a schedule.
   * @param beforeMaking called before a missing file is made, while no other process can make it. If it throws, none is made.
   */
  keep(every: number | undefined, beforeMaking: () => Promise<void>): Promise<KeptKeys>;
}

export interface KeptKeys {
  readonly keeper: KeyKeeper;
  /** Whether the file was made here, with the keys of `OpenedKeys.ring`. */
  readonly isMade: boolean;
}

/** Reads the key file. Only `keep` creates a missing file, so that an issuer that cannot start leaves nothing behind. */
export async function openKeyFile(path: string, alg: SigningAlgorithm): Promise<OpenedKeys> {
  const found = readKeyFile(path);
  const records = found ?? (await rotate([], alg, systemClock));
  if (!keyWith(records, alg, 'active')) {
    throw new WaybillError(
      'keys_missing',
      `${path} has no active key for ${alg}, the algorithm in the graph's \`signing\`. Create one: waybill keys rotate --keys ${path} --alg ${alg}`,
    );
  }
  return {
    ring: keyRing(records, alg),
    isNew: !found,
    async keep(every, beforeMaking) {
      const isMade = !found && (await makeKeyFile(path, records, alg, beforeMaking));
      if (isExposed(path)) {
        printNote(
          `${paint.yellow('warning')}  ${plain(path)} contains private keys, but other users may read it. Run chmod 600 ${plain(path)}`,
        );
      }
      return { keeper: new KeyKeeper({ path, every }), isMade };
    },
  };
}

/** @returns false where another process has made it meanwhile. */
async function makeKeyFile(
  path: string,
  records: readonly KeyRecord[],
  alg: SigningAlgorithm,
  beforeMaking: () => Promise<void>,
): Promise<boolean> {
  const kept = await changeKeyFile(path, async (found) => {
    if (!found) await beforeMaking();
    return found ?? records;
  });
  if (kept !== records) return false;
  printNote(
    `${paint.yellow('new key file')}  ${plain(path)} was missing and has been created with two ${alg} keys, the active and the next one. Only you can read it. Keep it: without it, tokens signed with its keys become invalid.`,
  );
  return true;
}
