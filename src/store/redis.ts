/** The store that several processes share: a Redis server, or what speaks its protocol. */
import { within } from './deadline.ts';
import { FailureCounts } from './failures.ts';
import type { RedisTls } from './redis-connection.ts';
import { parseRedisUrl } from './redis-address.ts';
import { RedisLink } from './redis-link.ts';
import { MARK, checkKey, checkSeconds, checkValue, type Store, type StoreKind } from './store.ts';

export interface RedisStoreOptions {
  /**
   * `redis://` or, with TLS, `rediss://[[username]:password@]host[:port][/database]`. Holds a password: it is
   * never part of an error. A special character of user or password is percent-encoded.
   */
  readonly url: string;
  /** For `rediss://`: authorities (PEM) to trust in place of the system's, and a certificate of our own. */
  readonly tls?: RedisTls;
  /** Milliseconds until a command must have its answer, else it fails and the connection with it. Default: 1,000. */
  readonly deadline?: number;
  /** Most commands under way at a time; one more fails at once. Default: 10,000. */
  readonly maxPending?: number;
}

/** Milliseconds for reaching the server, TLS, and signing in. */
const CONNECT_DEADLINE = 5_000;

/** Seconds that the trace of a readiness probe stays. */
const PROBE_SECONDS = 10;

/**
 * Connects in the background, and again whenever the connection is lost, after 25 ms to 2 s. Until then every
 * command fails at once; `ready` waits for an attempt that is under way. Keys are `waybill:<kind>:<key>`.
 *
 * What the server forgets, this store forgets: run Redis with `maxmemory-policy noeviction`, else it drops
 * revocations and replay marks when its memory is full, and with `appendonly yes`, else a restart drops them all.
 * A failover loses what the new primary had not yet received.
 *
 * @throws WaybillError `usage` where the URL is not usable, without quoting it
 * @throws TypeError where another option is not a whole number of at least 1
 */
export function redisStore({
  url,
  tls = {},
  deadline = 1_000,
  maxPending = 10_000,
}: RedisStoreOptions): Store {
  checkCount('deadline', deadline);
  checkCount('maxPending', maxPending);
  const address = parseRedisUrl(url);
  const link = new RedisLink({ address, tls, deadline, maxPending, connectDeadline: CONNECT_DEADLINE });
  const failures = new FailureCounts(link);

  return {
    async put(kind, key, value, seconds) {
      checkKey(key);
      checkValue(value);
      checkSeconds(seconds);
      await link.run((client) => client.set(name(kind, key), value, { expiration: lasting(seconds) }));
    },
    async get(kind, key) {
      checkKey(key);
      return (await link.run((client) => client.get(name(kind, key)))) ?? undefined;
    },
    async delete(kind, key) {
      checkKey(key);
      await link.run((client) => client.del(name(kind, key)));
    },
    async markOnce(kind, key, seconds) {
      checkKey(key);
      checkSeconds(seconds);
      const options = { expiration: lasting(seconds), condition: 'NX' } as const;
      const reply = await link.run((client) => client.set(name(kind, key), MARK, options));
      return reply === 'OK';
    },
    addFailure: (kind, key, seconds) => failures.add(kind, key, seconds),
    failures: (kind, key) => failures.get(kind, key),
    async ready() {
      try {
        await within(deadline, probe(link));
        return true;
      } catch {
        return false;
      }
    },
    async close() {
      link.close();
    },
  };
}

/** A write, because a server that answers may refuse those: a replica, a full one, one whose disk fails. */
async function probe(link: RedisLink): Promise<void> {
  await link.settled();
  await link.run((client) => client.set('waybill:ready', MARK, { expiration: lasting(PROBE_SECONDS) }));
}

function name(kind: StoreKind, key: string): string {
  return `waybill:${kind}:${key}`;
}

function lasting(seconds: number): { type: 'EX'; value: number } {
  return { type: 'EX', value: seconds };
}

function checkCount(option: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new TypeError(`${option} of the Redis store is a whole number of at least 1, not ${value}.`);
}
