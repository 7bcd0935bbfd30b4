/** `--store`: where the issuer keeps opaque tokens and revocations. The address may hold a password and is never shown. */
import cluster from 'node:cluster';
import { WaybillError, memoryStore, redisStore, type Store } from '../index.ts';

/** @throws WaybillError `usage` where the address cannot be used, or where a memory would be one of several. */
export function openStore(where: string): Store {
  if (where !== 'memory') return redisStore({ url: where });
  if (cluster.isWorker) {
    throw new WaybillError(
      'usage',
      'This is one of several processes: each with a memory of its own would accept what another has revoked. Give all of them --store redis://…',
    );
  }
  return memoryStore();
}
