/** `--store`: where the issuer keeps its state. The address may contain a password and is never shown. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { systemClock } from '../../clock.ts';
import { usageError } from '../../errors.ts';
import type { Plan } from '../../graph/index.ts';
import { sharedStateNeeds } from '../../issuer/index.ts';
import { memoryStore, redisStore, type Store } from '../../issuer/stores/index.ts';
import { logStoreEvent } from './store-log.ts';

const MEMORY = 'memory';
/** What is marked as used, in the words of `sharedStateNeeds`. */
const MARKED = ['used assertions', 'used DPoP proofs'];
/** Milliseconds between two looks at the clock. */
const LOOK_MS = 20;

export const isMemory = (where: string): boolean => where === MEMORY;

/** @throws WaybillError `usage` if the address cannot be used. */
export function openStore(where: string, log: Logger): Store {
  if (isMemory(where)) return memoryStore();
  return redisStore({ url: where, notify: (event) => logStoreEvent(log, event) });
}

/**
 * Gives the store a moment to answer, and refuses one that cannot be used. Assertions from before its marks begin are
 * refused; if they begin in this second, waits for its end, so that no client with a correct clock is refused.
 *
 * @throws WaybillError `usage`
 */
export async function settleStore(store: Store, plan: Plan, log: Logger): Promise<void> {
  const isReady = await store.ready();
  const { lost, risks } = store.state();
  if (!isReady && lost === undefined) log.warn('the store has not answered yet');
  if (risks.includes('cluster')) {
    throw usageError(
      'The Redis of --store runs as a cluster (cluster_enabled), which is not supported: it may answer for a part of the keys only. Name a single server, or a primary with replicas.',
    );
  }
  if (!sharedStateNeeds(plan).some((kept) => MARKED.includes(kept))) return;
  while (store.marksSince() === systemClock() + 1) await pause(LOOK_MS);
}
