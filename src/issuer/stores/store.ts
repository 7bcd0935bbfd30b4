/**
 * State that lasts between requests: opaque tokens, revocations, replay marks, and counts of failed authentication.
 *
 * `memoryStore` serves one process, `redisStore` all that share a Redis. A store that cannot answer throws
 * `store_unavailable`: "not found" would make a revoked token valid again, and "not marked before" would accept a replay.
 */

/**
 * - `token`: an opaque token. Key: SHA-256 of the token, in hex. Value: the grant, as JSON.
 * - `revocation`: a revoked tree. Key: its `txn`.
 * - `assertion`: a client assertion that was used. Key: the client and the assertion's `jti`.
 * - `proof`: a DPoP proof that was used. Key: the proof's key and `jti`.
 *
 * A key of one kind is never a key of another.
 */
export type StoreKind = 'token' | 'revocation' | 'assertion' | 'proof';

export const storeKinds: readonly StoreKind[] = ['token', 'revocation', 'assertion', 'proof'];

/**
 * What fails: `client`, attempts to authenticate as one client from one address; `address`, all from one address. Keys
 * are hashes, so neither is disclosed.
 */
export type FailureKind = 'client' | 'address';

export interface Failures {
  readonly count: number;
  /** Until the count expires; 0 if there are no failures. */
  readonly seconds: number;
}

/**
 * Why the store may lose data, or that this is unknown. docs/how-to/run-with-redis.md says what follows.
 *
 * - `evicts`: `maxmemory-policy` is not `noeviction`.
 * - `no_aof`: without `appendonly yes` a restart loses all changes after the last snapshot.
 * - `replica`: this server is a replica. Its primary may overwrite it.
 * - `cluster`: `cluster_enabled`, which is not supported. Such a server is not used.
 * - `unknown`: the server's user may use neither `INFO` nor `CONFIG GET`.
 */
export type StoreRisk = 'evicts' | 'no_aof' | 'replica' | 'cluster' | 'unknown';

export interface StoreState {
  /** Why the store takes no writes, such as `ECONNREFUSED`. Undefined: the last write succeeded, or none was tried. */
  readonly lost: string | undefined;
  readonly risks: readonly StoreRisk[];
}

/**
 * Every method but those of failures, `marksSince`, `state`, `ready` and `close` throws WaybillError `store_unavailable`
 * if it cannot do its work, also after `close`, and TypeError if an argument breaks a limit: keys have 1 to 512
 * bytes, values up to 16 KiB, both well-formed Unicode; `seconds` is a whole number from 1 to 31,622,400 (366 days). Hash
 * texts of others (a `jti`) first if nothing else bounds them.
 */
export interface Store {
  /**
   * Stores a value for `seconds`. It replaces an older value and its expiry.
   *
   * @param party to which it belongs. A store in memory gives each party a share of its space; Redis ignores it. Default:
   *   none; such entries are only limited by the total space.
   */
  put(kind: StoreKind, key: string, value: string, seconds: number, party?: string): Promise<void>;

  /** @returns the value of `put`, `1` for a mark, undefined if there is none or it has expired. */
  get(kind: StoreKind, key: string): Promise<string | undefined>;

  /** Deletes a value or a mark, if there is one. */
  delete(kind: StoreKind, key: string): Promise<void>;

  /**
   * Marks a key for `seconds`, unless it is marked or has a value already; then nothing changes, not even its expiry. Of
   * any number of callers in all processes, exactly one gets true.
   *
   * After `store_unavailable` the key may be marked nevertheless: a second attempt with it can be refused.
   *
   * @param party as in `put`.
   */
  markOnce(kind: StoreKind, key: string, seconds: number, party?: string): Promise<boolean>;

  /**
   * The time since which the store has lost no mark, in seconds since the epoch. Earlier marks may be forgotten. Read it
   * after `markOnce`, which updates it when the server may have lost data. Infinity until the store has been reached.
   */
  marksSince(): number;

  /**
   * Announces a text of this process for `seconds` to the other processes that share the store.
   *
   * @param name unique among them. The text replaces an earlier one of the same name.
   * @returns the texts of the others that have not expired; none from a store in memory.
   */
  announce(name: string, text: string, seconds: number): Promise<readonly string[]>;

  /** Removes the text of `announce`. */
  withdraw(name: string): Promise<void>;

  /**
   * Counts one more failure of a key; the count expires `seconds` after the first one. Never `store_unavailable`: a count
   * that cannot be shared is that of this process.
   */
  addFailure(kind: FailureKind, key: string, seconds: number): Promise<Failures>;

  /** The same count, without adding to it. */
  failures(kind: FailureKind, key: string): Promise<Failures>;

  /** The known state of the store at this moment, without a request to it. Never throws. */
  state(): StoreState;

  /** @returns whether the store takes writes at this moment. Never throws, and takes no longer than a command. */
  ready(): Promise<boolean>;

  /** Closes the store for good, so that the process can end. Pending commands fail. May be called again. */
  close(): Promise<void>;
}

/** The value of a mark. Not empty, so that it is truthy. */
export const MARK = '1';

const MAX_KEY_BYTES = 512;
const MAX_VALUE_BYTES = 16 * 1024;
const MAX_SECONDS = 366 * 24 * 60 * 60;

/** Half of a surrogate pair becomes U+FFFD in UTF-8, so that two keys would be one in Redis and two in memory. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** @throws TypeError, which never quotes the key */
export function checkKey(key: string): void {
  checkText('key', key, MAX_KEY_BYTES);
  if (key === '') throw new TypeError('A key of the store must not be empty.');
}

/** @throws TypeError, which never quotes the value */
export function checkValue(value: string): void {
  checkText('value', value, MAX_VALUE_BYTES);
}

/** @throws TypeError */
export function checkSeconds(seconds: number): void {
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_SECONDS) {
    throw new TypeError(
      `The store keeps things for a whole number of seconds, 1 to ${MAX_SECONDS}, not ${seconds}.`,
    );
  }
}

function checkText(what: string, text: string, limit: number): void {
  const bytes = Buffer.byteLength(text);
  if (bytes > limit) throw new TypeError(`A ${what} of the store has ${bytes} bytes; the limit is ${limit}.`);
  if (LONE_SURROGATE.test(text)) throw new TypeError(`A ${what} of the store is not well-formed Unicode.`);
}
