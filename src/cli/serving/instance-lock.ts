/**
 * Lets one process serve with a key file if its state is in its own memory. Processes with one key file are one issuer; the
 * lock file `<keys>.serving` says which of them serves.
 *
 * The owner touches the lock every second. A process of this host is known to have ended at once; one of another host, on a
 * shared volume, counts as ended when nobody touches the lock any more, by the clock of the process that waits.
 */
import { realpathSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { systemClock } from '../../clock.ts';
import { defined } from '../defined.ts';
import { type WaybillError, usageError } from '../../errors.ts';
import {
  isRunning,
  createLockFile,
  readLockFile,
  currentOwner,
  parseLockOwner,
  type LockOwner,
} from '../../issuer/keys/index.ts';

/** How long to wait for a process that does not say that it is stopping, and beyond the time that a stopping one names. */
const PATIENCE_MS = 5_000;
const LOOK_MS = 200;
const BEAT_MS = 1_000;
/** A lock that nobody has touched for this long has no owner. */
const SILENCE_MS = 3_500;

/** The lock file as it is now. An invalid file counts as an empty lock. */
interface Found {
  readonly owner: Partial<LockOwner>;
  /** Changes with every touch. */
  readonly touched: number;
}

export interface InstanceLockOptions {
  readonly keyFile: string;
  readonly log: Logger;
  /** Called once, if another process has taken over while this one was suspended. */
  readonly onLost: () => void;
}

export class InstanceLock {
  readonly #file: string;
  readonly #log: Logger;
  readonly #onLost: () => void;
  #owner: LockOwner = currentOwner();
  #beating: NodeJS.Timeout | undefined;
  #isReleased = false;

  constructor({ keyFile, log, onLost }: InstanceLockOptions) {
    this.#file = `${canonical(keyFile)}.serving`;
    this.#log = log;
    this.#onLost = onLost;
  }

  /**
   * Waits some seconds if another process still serves, and for as long as it may take if that one is stopping.
   *
   * @param needs the state that each process would have in its memory; without any, several processes may serve.
   * @throws WaybillError `usage` if the other one continues
   */
  async acquire(needs: readonly string[]): Promise<void> {
    if (needs.length === 0) return;
    const see = waiting(this.#log);
    while (!this.#take()) {
      const found = this.#look();
      if (!found) continue;
      const { silence, isOver } = see(found);
      if (this.#hasEnded(found, silence)) {
        if (await this.#takeOver()) return;
      } else if (isOver) {
        throw this.#refusal(found, needs);
      } else {
        await pause(LOOK_MS);
      }
    }
  }

  /**
   * The same without waiting, for a graph that is loaded while the process runs. If two processes take over at the same
   * moment, the first notices it when it touches the lock next.
   *
   * @throws WaybillError `usage`
   */
  acquireNow(needs: readonly string[]): void {
    if (needs.length === 0 || this.#take()) return;
    const found = this.#look();
    if (found && !this.#hasEnded(found, 0)) throw this.#refusal(found, needs);
    if (this.#replace()) this.#startBeating();
  }

  /**
   * Writes into the lock that this process is stopping, so that its successor waits for it.
   *
   * @param within milliseconds until the lock is released at the latest.
   */
  announceEnd(within: number): void {
    this.#owner = { ...this.#owner, endsWithin: within };
    if (this.#beating && this.#isOwn()) this.#replace();
  }

  /** Releases the lock for good: a reload while the process ends does not acquire it again. */
  release(): void {
    this.#isReleased = true;
    if (!this.#beating) return;
    clearInterval(this.#beating);
    this.#beating = undefined;
    if (this.#isOwn()) rmSync(this.#file, { force: true });
  }

  /** @returns whether this process owns the lock, now or since before. */
  #take(): boolean {
    if (this.#beating || this.#isReleased) return true;
    try {
      if (!createLockFile(this.#file, JSON.stringify(this.#owner))) return false;
    } catch (error) {
      this.#warnOfUnknown(error);
      return true;
    }
    this.#startBeating();
    return true;
  }

  /** If keys are mounted read-only, or the disk is full, nothing can be written beside them. */
  #warnOfUnknown(error: unknown): void {
    const { code } = error as NodeJS.ErrnoException;
    this.#log.warn(
      { file: this.#file, code },
      'it is not known whether another process serves with this key file',
    );
  }

  /** If two processes take over at the same moment, the last one gets the lock. */
  async #takeOver(): Promise<boolean> {
    if (!this.#replace()) return true;
    await pause(LOOK_MS);
    if (!this.#isOwn()) return false;
    this.#startBeating();
    return true;
  }

  /** @returns whether it succeeded. */
  #replace(): boolean {
    const draft = `${this.#file}.${this.#owner.id}`;
    try {
      createLockFile(draft, JSON.stringify(this.#owner));
      renameSync(draft, this.#file);
      return true;
    } catch (error) {
      this.#warnOfUnknown(error);
      return false;
    }
  }

  #startBeating(): void {
    this.#beating = setInterval(() => this.#beat(), BEAT_MS).unref();
  }

  #beat(): void {
    const found = this.#look();
    if (found && found.owner.id !== this.#owner.id) {
      clearInterval(this.#beating);
      this.#beating = undefined;
      this.#log.error(
        visible(found),
        'another process has taken over the key file while this one was suspended',
      );
      this.#onLost();
      return;
    }
    try {
      if (!found) createLockFile(this.#file, JSON.stringify(this.#owner));
      utimesSync(this.#file, systemClock(), systemClock());
    } catch {
      // The next beat tries again. Until then others see that this process runs, or take over and are noticed.
    }
  }

  #look(): Found | undefined {
    try {
      return { touched: statSync(this.#file).mtimeMs, owner: this.#read() };
    } catch {
      return undefined;
    }
  }

  #read(): Partial<LockOwner> {
    try {
      return parseLockOwner(readLockFile(this.#file));
    } catch {
      return {}; // too large, or unreadable
    }
  }

  #isOwn(): boolean {
    return this.#look()?.owner.id === this.#owner.id;
  }

  #hasEnded({ owner }: Found, silence: number): boolean {
    const running = isRunning(owner);
    return running === undefined ? silence > SILENCE_MS : !running;
  }

  #refusal(found: Found | undefined, needs: readonly string[]): WaybillError<'usage'> {
    const { pid, host } = visible(found);
    const other = pid === undefined ? 'Another process' : `Another process (${pid} on ${host})`;
    return usageError(
      `${other} serves with the same key file, and each would keep its own state for ${needs.join(', ')}: one would accept what the other has used or revoked. Start both with --store redis://…, or stop the other one.`,
    );
  }
}

/**
 * How long to wait for the owner of the lock. The log says once that the process waits, and for what.
 *
 * @returns for how long nobody has touched the lock, and whether to give up.
 */
function waiting(log: Logger): (found: Found) => { readonly silence: number; readonly isOver: boolean } {
  const start = performance.now();
  let last: { readonly touched: number; readonly at: number } | undefined;
  /** The owner that is stopping, and when its time is over. */
  let stopping: { readonly id: string | undefined; readonly until: number } | undefined;
  return (found) => {
    const now = performance.now();
    const { id, endsWithin } = found.owner;
    if (endsWithin !== undefined) {
      if (!stopping || stopping.id !== id) {
        // The time counts from here: the clocks of two hosts may differ.
        stopping = { id, until: now + endsWithin + PATIENCE_MS };
        log.info(
          { ...visible(found), seconds: Math.ceil(endsWithin / 1_000) },
          'another process with this key file is stopping; waiting until it no longer serves',
        );
      }
    } else if (!last) {
      log.info(visible(found), 'another process serves with this key file; waiting for its end');
    }
    if (last?.touched !== found.touched) last = { touched: found.touched, at: now };
    const until = endsWithin === undefined || !stopping ? start + PATIENCE_MS : stopping.until;
    return { silence: now - last.at, isOver: now > until };
  };
}

/** The part of the owner that is reported. */
function visible(found: Found | undefined): { readonly pid?: number; readonly host?: string } {
  const { pid, place } = found?.owner ?? {};
  return defined({ pid, host: place?.split(' ')[0] });
}

/** One name for a file, whatever links lead to it; it need not exist yet. */
function canonical(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    // reported by the code that reads it
  }
  try {
    return path.join(realpathSync(path.dirname(file)), path.basename(file));
  } catch {
    return path.resolve(file);
  }
}
