/** `--store`: where the issuer keeps what it has to remember. The address may hold a password and is never shown. */
import { memoryStore, redisStore, type Store } from '../index.ts';

const MEMORY = 'memory';

export const isMemory = (where: string): boolean => where === MEMORY;

/** @throws WaybillError `usage` where the address cannot be used. */
export function openStore(where: string): Store {
  return isMemory(where) ? memoryStore() : redisStore({ url: where });
}
