/** A map whose entries expire and whose size is bounded. Time comes from a clock; there are no timers. */
import type { Clock } from '../clock.ts';

/** What happens when a new key comes to a map that is full of entries still good. */
export type WhenFull = 'drop-oldest' | 'refuse';

/** Seconds between two walks that drop what has expired, so that it does not stay until the map is full. */
const TIDY_EVERY = 60;

interface Entry {
  readonly value: string;
  /** The first second at which the entry is gone. */
  readonly until: number;
}

export class ExpiringMap {
  /** In the order in which they were written. */
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Clock;
  readonly #maxEntries: number;
  readonly #whenFull: WhenFull;
  /** No entry expires before this second, so that looking for expired ones earlier would find none. */
  #firstExpiry = Infinity;
  #tidied: number;

  constructor(clock: Clock, maxEntries: number, whenFull: WhenFull) {
    this.#clock = clock;
    this.#maxEntries = maxEntries;
    this.#whenFull = whenFull;
    this.#tidied = clock();
  }

  get(key: string): string | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (this.#clock() < entry.until) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  /** @returns false where the map is full and refuses; then it has not changed. */
  set(key: string, value: string, seconds: number): boolean {
    const now = this.#clock();
    if (now >= this.#tidied + TIDY_EVERY) this.#dropExpired(now);
    if (!this.#entries.has(key) && !this.#makeRoom(now)) return false;
    const until = now + seconds;
    // Deleted first, so that an entry written anew counts as the youngest.
    this.#entries.delete(key);
    this.#entries.set(key, { value, until });
    this.#firstExpiry = Math.min(this.#firstExpiry, until);
    return true;
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  #makeRoom(now: number): boolean {
    if (this.#entries.size < this.#maxEntries) return true;
    this.#dropExpired(now);
    if (this.#entries.size < this.#maxEntries) return true;
    if (this.#whenFull === 'refuse') return false;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      break;
    }
    return true;
  }

  /** Walks the whole map, though at most once in a second of the clock, however many keys knock at a full map. */
  #dropExpired(now: number): void {
    this.#tidied = now;
    if (now < this.#firstExpiry) return;
    this.#firstExpiry = Infinity;
    for (const [key, { until }] of this.#entries) {
      if (until <= now) this.#entries.delete(key);
      else this.#firstExpiry = Math.min(this.#firstExpiry, until);
    }
  }
}
