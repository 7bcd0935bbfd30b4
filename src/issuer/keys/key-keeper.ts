/**
 * The key file of a running issuer: read again when it has changed, rotated on schedule. It has no timer; the caller calls
 * it regularly. Files are compared, not watched: network volumes and mounted secrets send no notifications.
 */
import { statSync } from 'node:fs';
import { systemClock, type Clock } from '../../clock.ts';
import { WaybillError } from '../../errors.ts';
import type { SigningAlgorithm } from '../../token/index.ts';
import { changeKeyFile, readKeyFile } from './key-file.ts';
import { isPublished, type KeyRecord } from './key-record.ts';
import { keyRing, type KeyRing } from './key-ring.ts';
import { changesAt, isDue, rotate } from './rotation.ts';

export interface KeyKeeperOptions {
  readonly path: string;
  /** Seconds for which a key signs before the schedule replaces it. Default: no schedule, and no writes. */
  readonly every?: number | undefined;
  readonly clock?: Clock;
}

export class KeyKeeper {
  readonly #path: string;
  readonly #every: number | undefined;
  readonly #clock: Clock;
  #records: readonly KeyRecord[];
  /** The file's status when it was last read, whether or not it was usable. */
  #seen: string;

  /** Reads the file. @throws WaybillError `keys_missing`, `keys_invalid` */
  constructor({ path, every, clock = systemClock }: KeyKeeperOptions) {
    this.#path = path;
    this.#every = every;
    this.#clock = clock;
    this.#seen = this.#look();
    this.#records = this.#read();
  }

  /** As last read. */
  get records(): readonly KeyRecord[] {
    return this.#records;
  }

  /** @throws WaybillError `keys_missing` if the algorithm has no active key */
  ring(alg: SigningAlgorithm): KeyRing {
    return keyRing(this.#records, alg, this.#clock);
  }

  /** The keys that are published now. */
  published(): readonly KeyRecord[] {
    const now = this.#clock();
    return this.#records.filter((record) => isPublished(record, now));
  }

  /** When the schedule replaces the active key, in seconds since the epoch; undefined without a schedule. */
  changesAt(alg: SigningAlgorithm): number | undefined {
    return this.#every === undefined ? undefined : changesAt(this.#records, alg, this.#every);
  }

  /**
   * Reads the file again if it has changed.
   *
   * @param force reads it in any case.
   * @throws WaybillError `keys_missing`, `keys_invalid`, once for each state of the file; the keys stay the same.
   */
  refresh(force = false): void {
    const seen = this.#look();
    if (seen === this.#seen && !force) return;
    this.#seen = seen;
    this.#records = this.#read();
  }

  /**
   * Rotates if the schedule requires it. If another process has rotated already, its keys are read and nothing is written.
   *
   * @returns whether this process rotated.
   * @throws WaybillError `keys_missing`, `keys_invalid`, `usage`; the keys stay the same.
   */
  async rotateIfDue(alg: SigningAlgorithm): Promise<boolean> {
    const every = this.#every;
    if (every === undefined || !isDue(this.#records, alg, every, this.#clock())) return false;
    let rotated = false;
    await changeKeyFile(this.#path, async (found) => {
      const records = found ?? this.#missing();
      if (!isDue(records, alg, every, this.#clock())) return records;
      rotated = true;
      return rotate(records, alg, this.#clock);
    });
    this.refresh(true);
    return rotated;
  }

  #look(): string {
    try {
      const { dev, ino, size, mtimeMs, ctimeMs } = statSync(this.#path);
      return [dev, ino, size, mtimeMs, ctimeMs].join(' ');
    } catch (error) {
      return String((error as NodeJS.ErrnoException).code);
    }
  }

  #read(): readonly KeyRecord[] {
    return readKeyFile(this.#path) ?? this.#missing();
  }

  /** A running issuer never creates a key file: new keys would invalidate every token at once. */
  #missing(): never {
    throw new WaybillError('keys_missing', `The key file ${this.#path} is gone. Put it back.`);
  }
}
