/** A store in memory that no other came before: nothing can have been used already, whatever its time. */
import { memoryStore, type MemoryStoreOptions, type Store } from '../../../src/issuer/stores/index.ts';

export function firstStore(options: MemoryStoreOptions = {}): Store {
  return memoryStore({ since: 0, ...options });
}
