/** A store in memory without an earlier one: nothing can have been used before, whatever its time. */
import { memoryStore, type MemoryStoreOptions, type Store } from '../../src/store/index.ts';

export function firstStore(options: MemoryStoreOptions = {}): Store {
  return memoryStore({ since: 0, ...options });
}
