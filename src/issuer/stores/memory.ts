/** The store of a single process, lost when the process ends. */
import { steadyClock, systemClock, type Clock } from '../../clock.ts';
import { WaybillError } from '../../errors.ts';
import { ExpiringMap, type WhenFull } from './expiring-map.ts';
import { failureCounts } from './failures.ts';
import { MARK, checkKey, checkSeconds, checkValue, storeKinds, type Store, type StoreKind } from './store.ts';

export interface MemoryStoreOptions {
  /**
   * Default: a monotonic clock for the lifetime of entries, so that setting the system's clock drops none; the system's
   * clock for `since`.
   */
  readonly clock?: Clock;
  /**
   * Most entries of each kind; one number for all, or a number for some kinds. Default: 100,000 of each.
   *
   * A party may hold four times the free space of a kind: four fifths if it is alone, nearly equal shares if many parties
   * need space. Beyond its share, and when a kind is full of unexpired entries, the safe thing happens. Of `token` the
   * party's oldest entry makes room: it becomes inactive before its time, and its client asks for another. The other kinds
   * refuse the new entry with `store_unavailable`, because a forgotten revocation or replay mark would accept what it
   * refused before.
   */
  readonly maxEntries?: number | Readonly<Partial<Record<StoreKind, number>>>;
  /** Most bytes of all keys and values of a kind; what happens beyond is the same. Default: 268,435,456 (256 MiB). */
  readonly maxBytes?: number;
  /**
   * The time from which no earlier process can have marked anything, in seconds since the epoch; `marksSince` returns it.
   * Default: the second after the store is created, since an assertion of this second may have been used before.
   */
  readonly since?: number;
}

const DEFAULT_ENTRIES = 100_000;
const DEFAULT_BYTES = 256 * 2 ** 20;

const whenFull: Readonly<Record<StoreKind, WhenFull>> = {
  token: 'drop-oldest',
  revocation: 'refuse',
  assertion: 'refuse',
  proof: 'refuse',
};

/**
 * Makes a store in the memory of this process, and for one process only: a second one would accept what the first has revoked or marked. A restart loses all marks and
 * revocations: `marksSince` says from when on marks are known, and trees that were revoked before stay valid until they
 * expire.
 *
 * @throws TypeError if `maxEntries` or `maxBytes` is not a whole number of at least 1
 *
 * @example
 * ```ts
 * import { memoryStore } from 'waybill';
 *
 * const store = memoryStore({ maxBytes: 64 * 2 ** 20 });
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  const { clock, maxEntries = {}, maxBytes: bytes = DEFAULT_BYTES } = options;
  requireCount('maxBytes', bytes);
  const since = options.since ?? (clock ?? systemClock)() + 1;
  const kinds = Object.fromEntries(
    storeKinds.map((kind) => {
      const most = { entries: limitOf(maxEntries, kind), bytes };
      return [kind, new ExpiringMap(clock ?? steadyClock, most, whenFull[kind])];
    }),
  ) as Record<StoreKind, ExpiringMap>;
  const failures = failureCounts();
  let closed = false;

  function entriesOf(kind: StoreKind): ExpiringMap {
    if (closed) throw unavailable('the store is closed');
    return kinds[kind];
  }

  function write(kind: StoreKind, key: string, value: string, seconds: number, party?: string): void {
    if (entriesOf(kind).set(key, value, seconds, party)) return;
    throw unavailable(`no room for another ${kind}${party === undefined ? '' : ` of ${party}`}`);
  }

  return {
    async put(kind, key, value, seconds, party) {
      checkKey(key);
      checkValue(value);
      checkSeconds(seconds);
      write(kind, key, value, seconds, party);
    },
    async get(kind, key) {
      checkKey(key);
      return entriesOf(kind).get(key);
    },
    async delete(kind, key) {
      checkKey(key);
      entriesOf(kind).delete(key);
    },
    async markOnce(kind, key, seconds, party) {
      checkKey(key);
      checkSeconds(seconds);
      if (entriesOf(kind).get(key) !== undefined) return false;
      write(kind, key, MARK, seconds, party);
      return true;
    },
    marksSince: () => since,
    async announce(own, text, seconds) {
      checkKey(own);
      checkValue(text);
      checkSeconds(seconds);
      if (closed) throw unavailable('the store is closed');
      return [];
    },
    async withdraw() {},
    addFailure: (kind, key, seconds) => failures.add(kind, key, seconds),
    failures: (kind, key) => failures.get(kind, key),
    state: () => ({ lost: closed ? 'the store is closed' : undefined, risks: [] }),
    async ready() {
      return !closed;
    },
    async close() {
      closed = true;
      for (const kind of storeKinds) kinds[kind].clear();
    },
  };
}

function limitOf(maxEntries: NonNullable<MemoryStoreOptions['maxEntries']>, kind: StoreKind): number {
  const limit = typeof maxEntries === 'number' ? maxEntries : (maxEntries[kind] ?? DEFAULT_ENTRIES);
  requireCount(`maxEntries of ${kind}`, limit);
  return limit;
}

function requireCount(option: string, count: number): void {
  if (Number.isInteger(count) && count >= 1) return;
  throw new TypeError(`${option} must be a whole number of at least 1, not ${count}.`);
}

function unavailable(detail: string): WaybillError<'store_unavailable'> {
  return new WaybillError(
    'store_unavailable',
    'The issuer cannot store this at the moment. Try again later.',
    {
      detail: `memory store: ${detail}`,
    },
  );
}
