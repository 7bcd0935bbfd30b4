/**
 * The key file as a running issuer sees it: read again when it has changed, rotated when the schedule says so. It
 * holds no timer; whoever runs the issuer looks every now and then. Files are compared, not watched: who looks at the
 * clock anyway needs no notice, and volumes over a network, or links that a mounted secret replaces, give none.
 */
import { statSync } from 'node:fs';
import { systemClock, type Clock } from '../../clock.ts';
import { WaybillError } from '../../errors.ts';
import type { SigningAlgorithm } from '../../token/index.ts';
import { changeKeyFile, readKeyFile } from './key-file.ts';
import { isPublished, type KeyRecord } from './key-record.ts';
import { keyRing, type KeyRing } from './key-ring.ts';
import { isDue, rotate } from './rotation.ts';

export interface KeyKeeperOptions {
  readonly path: string;
  /** Seconds for which a key signs before the schedule changes it. Default: no schedule, nothing is ever written. */
  readonly every?: number | undefined;
  readonly clock?: Clock;
}

export class KeyKeeper {
  readonly #path: string;
  readonly #every: number | undefined;
  readonly #clock: Clock;
  #records: readonly KeyRecord[];
  /** What the file looked like from outside when it was last read, whether or not it could be used. */
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

  /** @throws WaybillError `keys_missing` where no active key is for this algorithm. */
  ring(alg: SigningAlgorithm): KeyRing {
    return keyRing(this.#records, alg, this.#clock);
  }

  /** The keys that are published now; what is not among them any longer may leave the ring. */
  published(): readonly KeyRecord[] {
    const now = this.#clock();
    return this.#records.filter((record) => isPublished(record, now));
  }

  /**
   * Reads the file again where it has changed.
   *
   * @param force reads it in any case.
   * @throws WaybillError `keys_missing`, `keys_invalid`, once for each state of the file; the keys stay as they were.
   */
  refresh(force = false): void {
    const seen = this.#look();
    if (seen === this.#seen && !force) return;
    this.#seen = seen;
    this.#records = this.#read();
  }

  /**
   * Takes the step that the schedule asks for. Another process may have taken it: then its keys are read, and nothing
   * is written.
   *
   * @returns whether this process took it.
   * @throws WaybillError `keys_missing`, `keys_invalid`, `usage`; the keys stay as they were.
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

  /** A running issuer never makes a key file: with a new key, every token out there would end at once. */
  #missing(): never {
    throw new WaybillError('keys_missing', `The key file ${this.#path} is gone. Put it back.`);
  }
}
