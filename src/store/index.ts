/** What the issuer keeps between requests: in memory for one process, in Redis for several. */
export { memoryStore, type MemoryStoreOptions } from './memory.ts';
export { redisStore, type RedisStoreOptions } from './redis.ts';
export { storeKinds, type FailureKind, type Failures, type Store, type StoreKind } from './store.ts';
