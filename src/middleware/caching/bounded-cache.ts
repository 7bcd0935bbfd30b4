/** The caches of extractor and gateway: lru-cache, bounded in entries and in bytes. */

import { LRUCache } from 'lru-cache';

/** Characters that an entry may take on average. They are ASCII, so each takes a byte. */
export const CHARS_PER_ENTRY = 64 * 1024;

/** So that a cache of few entries can still hold a large one. */
const LEAST_CHARS = 2 ** 20;

/**
 * @param entries the limit, at least 1. The least recently used entry makes room; a large new entry may need several.
 * @param charsOf characters of all texts in a value; those of the key are added.
 */
export function boundedCache<Value extends object>(
  entries: number,
  charsOf: (value: Value) => number,
): LRUCache<string, Value> {
  return new LRUCache({
    max: entries,
    maxSize: Math.max(LEAST_CHARS, entries * CHARS_PER_ENTRY),
    sizeCalculation: (value, key) => key.length + charsOf(value),
  });
}
