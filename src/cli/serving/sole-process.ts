/**
 * One process for one key file, where what it has to remember is in its own memory. The key file is what makes several
 * processes one issuer; beside it, `<keys>.serving` says which of them serves.
 *
 * Its owner touches it every second. That a process of this host has ended is seen at once; one elsewhere, on a volume
 * that hosts share, has ended when nobody touches the file any more, by the clock of the process that waits.
 */
import { realpathSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { systemClock } from '../../clock.ts';
import { WaybillError } from '../../errors.ts';
import {
  isAlive,
  leaveMark,
  markText,
  ownMark,
  parseMark,
  type ProcessMark,
} from '../../issuer/keys/index.ts';

/** How long a successor waits for a process that does not say that it stops, and beyond the time that one says. */
const PATIENCE_MS = 5_000;
const LOOK_MS = 200;
const BEAT_MS = 1_000;
/** What was not touched for so long belongs to nobody. */
const SILENCE_MS = 3_500;

/** The file as it is now. What is no mark reads as one without members. */
interface Found {
  readonly mark: Partial<ProcessMark>;
  /** Another number after every touch. */
  readonly touched: number;
}

export interface SoleProcessOptions {
  readonly keyFile: string;
  readonly log: Logger;
  /** Called once, where another process has taken over while this one stood still. */
  readonly onLost: () => void;
}

export class SoleProcess {
  readonly #file: string;
  readonly #log: Logger;
  readonly #onLost: () => void;
  #mark: ProcessMark = ownMark();
  #beating: NodeJS.Timeout | undefined;
  #isReleased = false;

  constructor({ keyFile, log, onLost }: SoleProcessOptions) {
    this.#file = `${canonical(keyFile)}.serving`;
    this.#log = log;
    this.#onLost = onLost;
  }

  /**
   * Waits some seconds where another process still serves; for one that is stopping, as long as it may take.
   *
   * @param kept what each would keep in its memory; where that is nothing, any number of processes may serve.
   * @throws WaybillError `usage` where the other goes on
   */
  async hold(kept: readonly string[]): Promise<void> {
    if (kept.length === 0) return;
    const wait = new Wait(this.#log);
    while (!this.#take()) {
      const found = this.#look();
      if (!found) continue;
      const { silence, isOver } = wait.see(found);
      if (this.#hasEnded(found, silence)) {
        if (await this.#takeOver()) return;
      } else if (isOver) {
        throw this.#refusal(found, kept);
      } else {
        await pause(LOOK_MS);
      }
    }
  }

  /**
   * The same without waiting, for a graph that comes while the process runs. Of two that take over from a dead one at
   * the same moment, the first hears of it with its next beat.
   *
   * @throws WaybillError `usage`
   */
  holdNow(kept: readonly string[]): void {
    if (kept.length === 0 || this.#take()) return;
    const found = this.#look();
    if (found && !this.#hasEnded(found, 0)) throw this.#refusal(found, kept);
    if (this.#replace()) this.#keep();
  }

  /**
   * Says in the file that this process is stopping, so that its successor waits for it.
   *
   * @param within milliseconds after which it has released the file at the latest.
   */
  announceEnd(within: number): void {
    this.#mark = { ...this.#mark, endsWithin: within };
    if (this.#beating && this.#isOwn()) this.#replace();
  }

  /** For good: what is reloaded while the process ends does not hold it again. */
  release(): void {
    this.#isReleased = true;
    if (!this.#beating) return;
    clearInterval(this.#beating);
    this.#beating = undefined;
    if (this.#isOwn()) rmSync(this.#file, { force: true });
  }

  /** @returns whether this process is the one, now or since before. */
  #take(): boolean {
    if (this.#beating || this.#isReleased) return true;
    try {
      if (!leaveMark(this.#file, JSON.stringify(this.#mark))) return false;
    } catch (error) {
      this.#warnOfUnknown(error);
      return true;
    }
    this.#keep();
    return true;
  }

  /** If keys are mounted read-only, or the disk is full, nothing can be written beside them. */
  #warnOfUnknown(error: unknown): void {
    const { code } = error as NodeJS.ErrnoException;
    this.#log.warn(
      { file: this.#file, code },
      'whether another process serves with this key file is not known',
    );
  }

  /** Of two that take over at one moment, the one that came last has it. */
  async #takeOver(): Promise<boolean> {
    if (!this.#replace()) return true;
    await pause(LOOK_MS);
    if (!this.#isOwn()) return false;
    this.#keep();
    return true;
  }

  /** @returns whether it could be. */
  #replace(): boolean {
    const draft = `${this.#file}.${this.#mark.id}`;
    try {
      leaveMark(draft, JSON.stringify(this.#mark));
      renameSync(draft, this.#file);
      return true;
    } catch (error) {
      this.#warnOfUnknown(error);
      return false;
    }
  }

  #keep(): void {
    this.#beating = setInterval(() => this.#beat(), BEAT_MS).unref();
  }

  #beat(): void {
    const found = this.#look();
    if (found && found.mark.id !== this.#mark.id) {
      clearInterval(this.#beating);
      this.#beating = undefined;
      this.#log.error(
        visible(found),
        'another process has taken over the key file while this one stood still',
      );
      this.#onLost();
      return;
    }
    try {
      if (!found) leaveMark(this.#file, JSON.stringify(this.#mark));
      utimesSync(this.#file, systemClock(), systemClock());
    } catch {
      // The next beat tries again; who looks meanwhile sees that this process lives, or takes over and is noticed.
    }
  }

  #look(): Found | undefined {
    try {
      return { touched: statSync(this.#file).mtimeMs, mark: this.#read() };
    } catch {
      return undefined;
    }
  }

  #read(): Partial<ProcessMark> {
    try {
      return parseMark(markText(this.#file));
    } catch {
      return {}; // too large for a mark, or unreadable
    }
  }

  #isOwn(): boolean {
    return this.#look()?.mark.id === this.#mark.id;
  }

  #hasEnded({ mark }: Found, silence: number): boolean {
    const alive = isAlive(mark);
    return alive === undefined ? silence > SILENCE_MS : !alive;
  }

  #refusal(found: Found | undefined, kept: readonly string[]): WaybillError<'usage'> {
    const { pid, host } = visible(found);
    const other = pid === undefined ? 'Another process' : `Another process (${pid} on ${host})`;
    return new WaybillError(
      'usage',
      `${other} serves with the same key file, and each would have a memory of its own for ${kept.join(', ')}: one would accept what the other has used up or revoked. Give both --store redis://…, or end the other one.`,
    );
  }
}

/** How long the process whose file is in the way is waited for; the log says once for what. */
class Wait {
  readonly #log: Logger;
  readonly #start = performance.now();
  #last: { readonly touched: number; readonly at: number } | undefined;
  /** The process that says that it is stopping, and when its time is over. */
  #stopping: { readonly id: string | undefined; readonly until: number } | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** @returns for how long the file was not touched, and whether to give up. */
  see(found: Found): { readonly silence: number; readonly isOver: boolean } {
    const now = performance.now();
    const { id, endsWithin } = found.mark;
    if (endsWithin !== undefined) {
      if (!this.#stopping || this.#stopping.id !== id) {
        // The time counts from here: the clocks of two hosts may differ.
        this.#stopping = { id, until: now + endsWithin + PATIENCE_MS };
        this.#log.info(
          { ...visible(found), seconds: Math.ceil(endsWithin / 1_000) },
          'another process with this key file is stopping; waiting until it no longer serves',
        );
      }
    } else if (!this.#last) {
      this.#log.info(visible(found), 'another process serves with this key file; waiting for its end');
    }
    if (this.#last?.touched !== found.touched) this.#last = { touched: found.touched, at: now };
    const until =
      endsWithin === undefined || !this.#stopping ? this.#start + PATIENCE_MS : this.#stopping.until;
    return { silence: now - this.#last.at, isOver: now > until };
  }
}

/** What of a mark is told. */
function visible(found: Found | undefined): { readonly pid?: number; readonly host?: string } {
  const { pid, place } = found?.mark ?? {};
  return {
    ...(pid === undefined ? {} : { pid }),
    ...(place === undefined ? {} : { host: place.split(' ')[0] ?? '' }),
  };
}

/** One name for one file, by whichever links it was named; it may not be there yet. */
function canonical(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    // said by whoever reads it
  }
  try {
    return path.join(realpathSync(path.dirname(file)), path.basename(file));
  } catch {
    return path.resolve(file);
  }
}
