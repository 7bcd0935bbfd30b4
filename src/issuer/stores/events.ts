/** Events of a store in Redis, for a log; each change is reported once. */
import type { StoreRisk } from './store.ts';

/**
 * How the store learned that data may be gone.
 *
 * - `mark_gone`: the mark without expiry is gone (FLUSHALL, a restart without persistence, eviction).
 * - `older_data`: the mark is an older one, as from a backup.
 * - `restarted`: another server or process answers, and it may have lost data (no AOF, or a failover).
 * - `evicted`: the server has evicted keys.
 * - `seen_by_peer`: another process noticed it.
 */
export type LossSign = 'mark_gone' | 'older_data' | 'restarted' | 'evicted' | 'seen_by_peer';

/**
 * - `lost`: the store takes no writes, for this reason: an error code of Node or of the server.
 * - `back`: it takes writes again, with the seconds that it was lost.
 * - `risks`: what may make it forget, as read at this connection; reported again when that changes, even to nothing.
 * - `empty`: it has no mark, and this process has not seen one before: the store is new, or it lost its data.
 * - `forgot`: it lost data. Marks are complete from `since` on, in seconds since the epoch.
 * - `counts_alone`, `counts_shared`: failures are counted by this process alone, or in the store again.
 */
export type StoreEvent =
  | { readonly type: 'lost'; readonly reason: string }
  | { readonly type: 'back'; readonly seconds: number }
  | {
      readonly type: 'risks';
      readonly risks: readonly StoreRisk[];
      /** `maxmemory-policy`, where it evicts. */
      readonly policy: string | undefined;
    }
  | { readonly type: 'empty'; readonly since: number }
  | { readonly type: 'forgot'; readonly sign: LossSign; readonly since: number }
  | { readonly type: 'counts_alone'; readonly reason: string }
  | { readonly type: 'counts_shared' };

export type Notify = (event: StoreEvent) => void;
