/** The state that lasts between requests: in memory for one process, in Redis for several. */
export type { LossSign, Notify, StoreEvent } from './events.ts';
export { observedStore, type StoreObserver, type StoreOperation } from './observed-store.ts';
export { memoryStore, type MemoryStoreOptions } from './memory.ts';
export { describeLostMarks, timeToLive } from './time-to-live.ts';
export { redisStore, type RedisStoreOptions } from './redis.ts';
export type { RedisTls } from './redis-connection.ts';
export {
  storeKinds,
  type FailureKind,
  type Failures,
  type Store,
  type StoreKind,
  type StoreRisk,
  type StoreState,
} from './store.ts';
