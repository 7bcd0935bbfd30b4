/** A map whose entries expire, bounded in number and in bytes. Time comes from a clock; there are no timers. */
import type { Clock } from '../clock.ts';
import { ownText } from '../own-text.ts';

export interface MapBounds {
  readonly entries: number;
  /** Of all keys and values together, in UTF-8. */
  readonly bytes: number;
}

/** What happens when a new key comes to a map that is full of entries still good. */
export type WhenFull = 'drop-oldest' | 'refuse';

/** Seconds between two walks that drop what has expired, so that it does not stay until the map is full. */
const TIDY_EVERY = 60;

interface Entry {
  readonly value: string;
  /** Of key and value. */
  readonly bytes: number;
  /** The first second at which the entry is gone. */
  readonly until: number;
}

export class ExpiringMap {
  /** In the order in which they were written. */
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Clock;
  readonly #most: MapBounds;
  readonly #whenFull: WhenFull;
  /** No entry expires before this second, so that looking for expired ones earlier would find none. */
  #firstExpiry = Infinity;
  #tidied: number;
  #bytes = 0;

  constructor(clock: Clock, most: MapBounds, whenFull: WhenFull) {
    this.#clock = clock;
    this.#most = most;
    this.#whenFull = whenFull;
    this.#tidied = clock();
  }

  get(key: string): string | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (this.#clock() < entry.until) return entry.value;
    this.delete(key);
    return undefined;
  }

  /** @returns false where the map is full and refuses; then it has not changed. */
  set(key: string, value: string, seconds: number): boolean {
    const now = this.#clock();
    if (now >= this.#tidied + TIDY_EVERY) this.#dropExpired(now);
    const bytes = Buffer.byteLength(key) + Buffer.byteLength(value);
    if (!this.#makeRoom(now, key, bytes)) return false;
    const until = now + seconds;
    // Deleted first, so that an entry written anew counts as the youngest.
    this.delete(key);
    this.#entries.set(ownText(key), { value: ownText(value), bytes, until });
    this.#bytes += bytes;
    this.#firstExpiry = Math.min(this.#firstExpiry, until);
    return true;
  }

  delete(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes ?? 0;
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  #makeRoom(now: number, key: string, bytes: number): boolean {
    if (this.#fits(key, bytes)) return true;
    this.#dropExpired(now);
    if (this.#fits(key, bytes)) return true;
    if (this.#whenFull === 'refuse' || bytes > this.#most.bytes) return false;
    for (const oldest of this.#entries.keys()) {
      this.delete(oldest);
      if (this.#fits(key, bytes)) break;
    }
    return true;
  }

  /** Whether there is room for an entry of so many bytes, in place of the one that has its key. */
  #fits(key: string, bytes: number): boolean {
    const replaced = this.#entries.get(key);
    const entries = this.#entries.size + (replaced ? 0 : 1);
    return entries <= this.#most.entries && this.#bytes - (replaced?.bytes ?? 0) + bytes <= this.#most.bytes;
  }

  /** Walks the whole map, though at most once in a second of the clock, however many keys knock at a full map. */
  #dropExpired(now: number): void {
    this.#tidied = now;
    if (now < this.#firstExpiry) return;
    this.#firstExpiry = Infinity;
    for (const [key, { until }] of this.#entries) {
      if (until <= now) this.delete(key);
      else this.#firstExpiry = Math.min(this.#firstExpiry, until);
    }
  }
}
