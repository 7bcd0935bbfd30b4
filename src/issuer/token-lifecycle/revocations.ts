/** Revoked trees, by their `txn` (RFC 7009; threat 13). */
import { LONGEST_LIFETIME } from '../../protocol.ts';
import type { Clock } from '../../clock.ts';
import { timeToLive, type Store } from '../stores/index.ts';
import { isFirstRoot, type VerifiedToken } from '../../token/index.ts';

/** Seconds that a service's clock may be behind: it accepts the last token of a tree for that much longer. */
const LEEWAY = 60;

export type Revocations = ReturnType<typeof revocationsIn>;

export function revocationsIn(store: Store, clock: Clock) {
  return {
    /** @throws WaybillError `store_unavailable` */
    async has(txn: string): Promise<boolean> {
      return (await store.get('revocation', txn)) !== undefined;
    },
    /**
     * @param exp when the last token of the tree expires, in seconds since the epoch.
     * @param client to which the tree was issued.
     */
    async add(txn: string, exp: number, client: string): Promise<void> {
      await store.put('revocation', txn, '1', timeToLive(exp, clock(), LEEWAY), client);
    },
    /**
     * When the last token of this token's tree expires, at the latest. The first root of a tree says so itself. Any other
     * token may have had a parent that lived longer, under a graph that has been replaced since.
     */
    endOfTree({ claims }: VerifiedToken): number {
      const latest = clock() + LONGEST_LIFETIME;
      return isFirstRoot(claims) ? Math.min(claims.exp, latest) : latest;
    },
  };
}
