/**
 * Counts failures of a key within a time, with rate-limiter-flexible: in memory, or in a shared Redis. While Redis is away
 * each process counts for itself: the count only slows an attacker down, and refusing everyone without it would do the
 * attacker's work.
 */
import { LRUCache } from 'lru-cache';
import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible';
import { isWaybillError } from '../../errors.ts';
import type { Notify } from './events.ts';
import type { RedisLink } from './redis-link.ts';
import { checkKey, checkSeconds, type FailureKind, type Failures } from './store.ts';

/** Most keys that a process counts in memory, a few hundred bytes each. */
const MAX_KEYS = 50_000;
/** Required by the library; here the caller compares the count with its limit. */
const UNUSED = { points: 1, duration: 60 };

/**
 * @param link to the server where the counts are shared; absent: in memory.
 * @param notify called when this process begins to count alone, and when the counts are shared again.
 */
export function failureCounts(link?: RedisLink, notify: Notify = () => undefined) {
  const memory = new BoundedMemory();
  const limiter = link ? sharedBy(link, memory, notify) : memory;

  return {
    /** @throws TypeError */
    async add(kind: FailureKind, key: string, seconds: number): Promise<Failures> {
      checkKey(key);
      checkSeconds(seconds);
      return read(await limiter.penalty(`${kind}:${key}`, 1, { customDuration: seconds }));
    },
    /** @throws TypeError */
    async get(kind: FailureKind, key: string): Promise<Failures> {
      checkKey(key);
      return read(await limiter.get(`${kind}:${key}`));
    },
  };
}

function read(result: RateLimiterRes | null): Failures {
  if (result === null || result.msBeforeNext <= 0) return { count: 0, seconds: 0 };
  return { count: result.consumedPoints, seconds: Math.ceil(result.msBeforeNext / 1_000) };
}

/** Drops the key that failed longest ago when there are too many. */
class BoundedMemory extends RateLimiterMemory {
  readonly #keys = new LRUCache<string, true>({
    max: MAX_KEYS,
    dispose: (_value, key, reason) => void (reason === 'evict' && this.delete(key)),
  });

  constructor() {
    super(UNUSED);
  }

  override async penalty(
    key: string | number,
    points?: number,
    options?: Record<string, unknown>,
  ): Promise<RateLimiterRes> {
    this.#keys.set(String(key), true);
    return super.penalty(key, points, options);
  }
}

function sharedBy(link: RedisLink, insuranceLimiter: RateLimiterMemory, notify: Notify): RateLimiterRedis {
  return new RateLimiterRedis({
    ...UNUSED,
    keyPrefix: 'waybill:failures',
    storeClient: clientOf(telling(link, notify)),
    useRedisPackage: true,
    insuranceLimiter,
  });
}

type Run = RedisLink['run'];

/** If a count cannot be shared, the library counts in memory without reporting it. */
function telling(link: RedisLink, notify: Notify): Run {
  let isShared = true;
  return async (command) => {
    try {
      const reply = await link.run(command);
      if (!isShared) notify({ type: 'counts_shared' });
      isShared = true;
      return reply;
    } catch (error) {
      if (isShared) notify({ type: 'counts_alone', reason: detailOf(error) });
      isShared = false;
      throw error;
    }
  };
}

function detailOf(error: unknown): string {
  return (isWaybillError(error) ? error.detail : undefined) ?? 'unexpected error';
}

/** The methods of a client that the library calls, over the current connection and with its deadline. */
function clientOf(run: Run) {
  return {
    eval: async (script: string, options: { keys: string[]; arguments: string[] }) =>
      run((client) => client.eval(script, options)),
    multi: () => ({
      get: (key: string) => ({
        pTTL: () => ({
          exec: async () => run((client) => client.multi().get(key).pTTL(key).exec()),
        }),
      }),
    }),
  };
}
