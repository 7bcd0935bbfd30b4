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

/** The key file of an issuer that starts. */
export interface OpenedKeys {
  /** What it would sign with; where the file is missing, keys that are nowhere yet. */
  readonly ring: KeyRing;
  /** Whether the file is missing. */
  readonly isNew: boolean;
  /**
   * Makes the file where it is missing, and says so; warns where others may read it. Another process that starts at
   * the same time may have made it first: its keys count.
   *
   * @param every seconds for which a key signs; undefined: no schedule.
   * @param beforeMaking called before a missing file is made, while no other process can make it. Where it throws,
   *   none is made.
   */
  keep(every: number | undefined, beforeMaking: () => Promise<void>): Promise<KeptKeys>;
}

export interface KeptKeys {
  readonly keeper: KeyKeeper;
  /** Whether the file was made here, with the keys of `OpenedKeys.ring`. */
  readonly isMade: boolean;
}

/** Reads the key file. A missing one is made only by `keep`: an issuer that cannot start leaves nothing behind. */
export async function openKeyFile(path: string, alg: SigningAlgorithm): Promise<OpenedKeys> {
  const found = readKeyFile(path);
  const records = found ?? (await rotate([], alg, systemClock));
  if (!keyWith(records, alg, 'active')) {
    throw new WaybillError(
      'keys_missing',
      `No active key of ${path} signs with ${alg}, as the graph asks. Make one: waybill keys rotate --keys ${path} --alg ${alg}`,
    );
  }
  return {
    ring: keyRing(records, alg),
    isNew: !found,
    async keep(every, beforeMaking) {
      const isMade = !found && (await makeKeyFile(path, records, { alg, beforeMaking }));
      if (isExposed(path)) {
        printNote(
          `${paint.yellow('warning')}  ${plain(path)} holds private keys and others may read it: chmod 600 ${plain(path)}`,
        );
      }
      return { keeper: new KeyKeeper({ path, every }), isMade };
    },
  };
}

interface Making {
  readonly alg: SigningAlgorithm;
  readonly beforeMaking: () => Promise<void>;
}

/** @returns false where another process has made it meanwhile. */
async function makeKeyFile(
  path: string,
  records: readonly KeyRecord[],
  { alg, beforeMaking }: Making,
): Promise<boolean> {
  const kept = await changeKeyFile(path, async (found) => {
    if (!found) await beforeMaking();
    return found ?? records;
  });
  if (kept !== records) return false;
  printNote(
    `${paint.yellow('new key file')}  ${plain(path)} was missing: it was made with two ${alg} keys, one that signs and the next, readable by you alone. Keep it; tokens signed with it end when it is lost.`,
  );
  return true;
}
