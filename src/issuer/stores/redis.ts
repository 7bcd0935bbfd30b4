/** The store that several processes share: a Redis server, or what speaks its protocol. */
import { systemClock, type Clock } from '../../clock.ts';
import { within } from './deadline.ts';
import type { Notify } from './events.ts';
import { failureCounts } from './failures.ts';
import { announce, withdraw } from './redis-announcements.ts';
import type { RedisTls } from './redis-connection.ts';
import { parseRedisUrl } from './redis-address.ts';
import { RedisServer } from './redis-server.ts';
import { MARK, checkKey, checkSeconds, checkValue, type Store, type StoreKind } from './store.ts';

export interface RedisStoreOptions {
  /**
   * `redis://` or, with TLS, `rediss://[[username]:password@]host[:port][/database]`. It contains a password, so
   * no error quotes it. A special character of user or password is percent-encoded.
   */
  readonly url: string;
  /** For `rediss://`: authorities (PEM) to trust in place of the system's, and a certificate of our own. */
  readonly tls?: RedisTls;
  /** Milliseconds until a command must have its answer, else it fails and the connection with it. Default: 1,000. */
  readonly deadline?: number;
  /** Most commands under way at a time; one more fails at once. Default: 10,000. */
  readonly maxPending?: number;
  /** Called when the store is lost or back, and when it may forget or has forgotten data. Default: not reported. */
  readonly notify?: Notify;
  /** For the mark that shows whether data was lost. Default: the system's clock. */
  readonly clock?: Clock;
}

/** Milliseconds for reaching the server, TLS, and signing in. */
const CONNECT_DEADLINE = 5_000;

/**
 * Makes a store that processes share in Redis. Connects in the background, and again whenever the connection is lost, after 25 ms to 2 s. Until then every
 * command fails at once; `ready` waits for an attempt that is under way. Keys are `waybill:<kind>:<key>`.
 *
 * What the server forgets, this store forgets: run Redis with `maxmemory-policy noeviction`, else it drops
 * revocations and replay marks when its memory is full, and with `appendonly yes`, else a restart drops them all.
 * A failover loses what the new primary had not yet received. `state` reports which of these may happen, and
 * `marksSince` moves forward when one may have happened. A server with `cluster_enabled` is not used. Parties have no
 * shares: all may fill the server's memory.
 *
 * @throws WaybillError `usage` if the URL is invalid, without quoting it
 * @throws TypeError if another option is not a whole number of at least 1
 *
 * @example
 * ```ts
 * import { redisStore } from 'waybill';
 *
 * const store = redisStore({ url: 'redis://localhost:6379', notify: (event) => console.log(event) });
 * ```
 */
export function redisStore(options: RedisStoreOptions): Store {
  const { url, tls = {}, deadline = 1_000, maxPending = 10_000 } = options;
  const { notify = () => undefined, clock = systemClock } = options;
  checkCount('deadline', deadline);
  checkCount('maxPending', maxPending);
  const connection = { tls, deadline, maxPending, connectDeadline: CONNECT_DEADLINE };
  const server = new RedisServer({ ...connection, address: parseRedisUrl(url) }, notify, clock);
  const { link } = server;
  const failures = failureCounts(link, notify);

  return {
    async put(kind, key, value, seconds) {
      checkKey(key);
      checkValue(value);
      checkSeconds(seconds);
      await server.write(async (client) =>
        client.set(name(kind, key), value, { expiration: lasting(seconds) }),
      );
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
      return server.markOnce(async (client) => client.set(name(kind, key), MARK, options));
    },
    marksSince: () => server.marksSince,
    async announce(own, text, seconds) {
      checkKey(own);
      checkValue(text);
      checkSeconds(seconds);
      return announce(link, own, text, seconds);
    },
    async withdraw(own) {
      checkKey(own);
      await withdraw(link, own);
    },
    addFailure: (kind, key, seconds) => failures.add(kind, key, seconds),
    failures: (kind, key) => failures.get(kind, key),
    state: () => server.state,
    async ready() {
      try {
        await within(deadline, server.probe());
        return true;
      } catch {
        return false;
      }
    },
    async close() {
      server.close();
    },
  };
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
