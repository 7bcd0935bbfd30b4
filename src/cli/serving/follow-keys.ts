/** The keys of a running issuer: follows the key file, rotates on schedule, and logs every change. */
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { isoTime, systemClock } from '../../clock.ts';
import { WaybillError } from '../../errors.ts';
import {
  isPublished,
  keyChanges,
  keyWith,
  readyAt,
  signsSince,
  type KeyKeeper,
  type KeyRecord,
  type KeyRing,
} from '../../issuer/keys/index.ts';
import type { SigningAlgorithm } from '../../token/index.ts';
import { failureOf } from './log-output.ts';

export interface FollowOptions {
  readonly keeper: KeyKeeper;
  readonly log: Logger;
  readonly signing: () => SigningAlgorithm;
  /** Replaces the running issuer by one with these keys. */
  readonly adopt: (keys: KeyRing) => void;
}

/** In seconds since the epoch. */
export interface SigningKeyTimes {
  readonly since: number;
  /** When the schedule replaces the key; undefined without a schedule. */
  readonly until: number | undefined;
}

const LOOK_MS = 1000;
/** Seconds until the next attempt after a failed rotation. */
const RETRY = 60;

export class KeyFollower {
  readonly #options: FollowOptions;
  readonly #stopped = new AbortController();
  /** Checks run one after the other. */
  #looks: Promise<void> = Promise.resolve();
  /** The keys that the running issuer publishes, and those seen at the last check. */
  #running: readonly KeyRecord[];
  #seen: readonly KeyRecord[];
  #retryAt = 0;
  #alarm: { readonly at: number; readonly act: () => void } | undefined;

  /** The running issuer must have the keeper's keys already. */
  constructor(options: FollowOptions) {
    this.#options = options;
    this.#running = options.keeper.published();
    this.#seen = this.#running;
    const signs = keyWith(this.#running, options.signing(), 'active');
    if (signs && systemClock() < readyAt(signs) && !isFirst(signs, this.#running)) this.#warnOfEarly(signs);
  }

  /** Undefined where the key of the graph's algorithm is missing. */
  get signingKey(): SigningKeyTimes | undefined {
    const { keeper, signing } = this.#options;
    const key = keyWith(this.#running, signing(), 'active');
    return key && { since: signsSince(key), until: keeper.changesAt(signing()) };
  }

  /** Checks every second, until it is closed. */
  async follow(): Promise<void> {
    const { signal } = this.#stopped;
    const goesOn = async (): Promise<boolean> =>
      pause(LOOK_MS, true, { signal, ref: false }).catch(() => false);
    while (await goesOn()) await this.look();
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#looks;
  }

  /** Never rejects. @param force reads the file even if it seems unchanged. */
  async look(force = false): Promise<void> {
    this.#looks = this.#looks.then(() => this.#look(force));
    await this.#looks;
  }

  /**
   * The keys for a graph with another algorithm. A key does not sign before every verifier knows it.
   *
   * @param act called when it may sign.
   * @throws WaybillError `keys_missing`, `keys_unpublished`
   */
  keysFor(alg: SigningAlgorithm, act: () => void): KeyRing {
    const ring = this.#options.keeper.ring(alg);
    const signs = keyWith(this.#options.keeper.records, alg, 'active');
    if (!signs || systemClock() >= readyAt(signs)) return ring;
    this.#alarm = { at: readyAt(signs), act };
    throw new WaybillError(
      'keys_unpublished',
      `The graph now signs with ${alg}, but its key ${signs.kid} was published at ${isoTime(signs.created)}, and not every verifier knows it before ${isoTime(readyAt(signs))}. The graph is reloaded then.`,
    );
  }

  async #look(force: boolean): Promise<void> {
    const { keeper, log } = this.#options;
    this.#attempt(() => keeper.refresh(force));
    await this.#rotate();
    const published = keeper.published();
    if (!isDeepStrictEqual(published, this.#seen)) {
      this.#seen = published;
      this.#attempt(() => this.#takeUp(published));
    }
    const alarm = this.#alarm;
    if (alarm === undefined || systemClock() < alarm.at) return;
    this.#alarm = undefined;
    log.info("every verifier now knows the key of the graph's new algorithm");
    alarm.act();
  }

  async #rotate(): Promise<void> {
    const { keeper, log, signing } = this.#options;
    if (systemClock() < this.#retryAt) return;
    try {
      const before = keeper.records;
      if (!(await keeper.rotateIfDue(signing()))) return;
      const { made, activated, retired } = keyChanges(before, keeper.records);
      const changes = { made: kids(made), signs: kids(activated), retired: kids(retired) };
      log.info(changes, activated.length > 0 ? 'keys rotated' : 'next key made');
    } catch (error) {
      this.#retryAt = systemClock() + RETRY;
      this.#report('the keys could not be rotated; the next attempt is in a minute', error);
    }
  }

  /** Replaces the issuer as a whole, so that signing key and published keys change in one step. */
  #takeUp(published: readonly KeyRecord[]): void {
    const { keeper, log, signing, adopt } = this.#options;
    const before = this.#running;
    const ring = keeper.ring(signing());
    adopt(ring);
    this.#running = published;
    const { kid } = ring.signer;
    log.info({ signs: kid, published: kids(published) }, 'new keys in use');
    const { activated, dropped } = keyChanges(before, published);
    const signs = activated.find((record) => record.kid === kid);
    const wasPublished = before.some((record) => record.kid === kid);
    if (signs && !(wasPublished && systemClock() >= readyAt(signs))) this.#warnOfEarly(signs);
    const needed = dropped.filter((record) => record.status !== 'next' && isPublished(record, systemClock()));
    if (needed.length === 0) return;
    log.warn(
      { gone: kids(needed) },
      'keys were removed while their tokens may be valid; these tokens are refused from now on',
    );
  }

  #warnOfEarly({ kid }: KeyRecord): void {
    this.#options.log.warn(
      { signs: kid },
      'the signing key was published only recently; verifiers that cache keys refuse its tokens until they fetch the keys again',
    );
  }

  #attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#report('the key file cannot be used; the running keys stay in place', error);
    }
  }

  #report(failed: string, error: unknown): void {
    this.#options.log.error(failureOf(error), failed);
  }
}

/** Whether nothing signed before this key, so that no verifier has cached keys of this issuer. */
function isFirst(signs: KeyRecord, records: readonly KeyRecord[]): boolean {
  return records.every(
    (record) =>
      record.status === 'next' || (record.status === 'active' && signsSince(record) >= signsSince(signs)),
  );
}

function kids(records: readonly KeyRecord[]): string[] {
  return records.map(({ kid }) => kid);
}
