/**
 * A map whose entries expire, bounded in number and in bytes, with a share for each party. Time comes from a clock; there
 * are no timers.
 *
 * A party may hold `SHARE` times the space that is then left free. So one party alone fills four fifths of the map, two
 * fill four ninths each, and the more there are, the more equal their shares; some space is always left for the next. This
 * is the dynamic threshold by which switches share their buffers among queues (Choudhury and Hahne, 1998).
 */
import type { Clock } from '../../clock.ts';
import { copyText } from '../../input/copy-text.ts';

export interface MapBounds {
  readonly entries: number;
  /** Of all keys and values together, in UTF-8. */
  readonly bytes: number;
}

/**
 * What happens to a new key when the map is full of unexpired entries, or the party has used its share.
 * `drop-oldest` drops entries of the same party where it has any.
 */
export type WhenFull = 'drop-oldest' | 'refuse';

/** A party may hold this many times the free space. */
const SHARE = 4;

/** Seconds between two walks that drop expired entries, so that they do not stay until the map is full. */
const TIDY_EVERY = 60;

interface Entry {
  readonly value: string;
  /** Undefined: no party. */
  readonly holding: Holding | undefined;
  /** Of key and value. */
  readonly bytes: number;
  /** The first second at which the entry is gone. */
  readonly until: number;
}

interface NewEntry {
  readonly key: string;
  readonly bytes: number;
  readonly party: string | undefined;
}

/** What a party holds. */
interface Holding {
  readonly party: string;
  /** In the order in which they were written. */
  readonly keys: Set<string>;
  bytes: number;
}

export class ExpiringMap {
  /** In the order in which they were written. */
  readonly #entries = new Map<string, Entry>();
  /** Of the parties with entries. */
  readonly #holdings = new Map<string, Holding>();
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

  /**
   * @param party the share in which the entry counts. Default: none.
   * @returns false if the map is full or the party has used its share, and the map refuses; then it is unchanged.
   */
  set(key: string, value: string, seconds: number, party?: string): boolean {
    const now = this.#clock();
    if (now >= this.#tidied + TIDY_EVERY) this.#dropExpired(now);
    const bytes = Buffer.byteLength(key) + Buffer.byteLength(value);
    if (!this.#makeRoom(now, { key, bytes, party })) return false;
    const until = now + seconds;
    // Deleted first, so that a replaced entry counts as the youngest.
    this.delete(key);
    const ownKey = copyText(key);
    const holding = party === undefined ? undefined : this.#holdingOf(party);
    this.#entries.set(ownKey, { value: copyText(value), holding, bytes, until });
    holding?.keys.add(ownKey);
    if (holding) holding.bytes += bytes;
    this.#bytes += bytes;
    this.#firstExpiry = Math.min(this.#firstExpiry, until);
    return true;
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
    const { holding } = entry;
    if (!holding) return;
    holding.keys.delete(key);
    holding.bytes -= entry.bytes;
    if (holding.keys.size === 0) this.#holdings.delete(holding.party);
  }

  clear(): void {
    this.#entries.clear();
    this.#holdings.clear();
    this.#bytes = 0;
  }

  #holdingOf(party: string): Holding {
    const known = this.#holdings.get(party);
    if (known) return known;
    const holding = { party: copyText(party), keys: new Set<string>(), bytes: 0 };
    this.#holdings.set(holding.party, holding);
    return holding;
  }

  #makeRoom(now: number, entry: NewEntry): boolean {
    if (this.#fits(entry)) return true;
    this.#dropExpired(now);
    if (this.#fits(entry)) return true;
    if (this.#whenFull === 'refuse' || entry.bytes > this.#most.bytes) return false;
    const own = entry.party === undefined ? undefined : this.#holdings.get(entry.party)?.keys;
    for (const oldest of own ?? []) {
      this.delete(oldest);
      if (this.#fits(entry)) return true;
    }
    for (const oldest of this.#entries.keys()) {
      if (this.#fits(entry)) break;
      this.delete(oldest);
    }
    return true;
  }

  /** Whether an entry fits, in place of an older one with its key, and within the share of its party. */
  #fits({ key, bytes, party }: NewEntry): boolean {
    const replaced = this.#entries.get(key);
    const freeEntries = this.#most.entries - this.#entries.size - (replaced ? 0 : 1);
    const freeBytes = this.#most.bytes - this.#bytes + (replaced?.bytes ?? 0) - bytes;
    if (freeEntries < 0 || freeBytes < 0) return false;
    const holding = party === undefined ? undefined : this.#holdings.get(party);
    // The first entry of a party only needs space; a replaced entry was within the share already.
    if (!holding || replaced?.holding === holding) return true;
    return holding.keys.size + 1 <= SHARE * freeEntries && holding.bytes + bytes <= SHARE * freeBytes;
  }

  /** Walks the whole map, though at most once in a second of the clock, however many keys are added to a full map. */
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
