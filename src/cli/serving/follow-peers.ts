/**
 * Compares this issuer with the others on its store, before it starts and while it runs. The log says when they begin to
 * differ and when they agree again.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { isWaybillError, usageError } from '../../errors.ts';
import { Peers, type Issuer, type PeerReport } from '../../issuer/index.ts';
import type { Store } from '../../issuer/stores/index.ts';

const LOOK_MS = 2_000;
/** Before there was anything to compare with. */
const ALONE = { keys: 'same', graph: 'same', graphs: [] } as const;

export type PeerFollower = ReturnType<typeof followPeers>;

export function followPeers(store: Store, issuer: () => Issuer, log: Logger) {
  const stopped = new AbortController();
  const peers = new Peers(store);
  let known: PeerReport | undefined;
  let isFailing = false;
  let following: Promise<void> | undefined;

  async function followOn(): Promise<void> {
    const { signal } = stopped;
    while (await pause(LOOK_MS, true, { signal, ref: false }).catch(() => false)) await look();
  }

  async function look(): Promise<void> {
    try {
      const report = await peers.compare(issuer());
      if (!stopped.signal.aborted) tell(report);
      isFailing = false;
    } catch (error) {
      // The store itself reports that it is lost. It may also refuse these commands alone.
      if (!isFailing)
        log.debug(
          { reason: isWaybillError(error) ? error.detail : 'unexpected error' },
          'this process cannot be compared with others on its store',
        );
      isFailing = true;
    }
  }

  function tell(report: PeerReport): void {
    const { others: _before, ...before } = known ?? { others: 0, ...ALONE };
    const { others, ...found } = report;
    known = report;
    if (isDeepStrictEqual(found, before)) return;
    const { keys, graph, graphs } = found;
    const running = issuer().plan.digest;
    if (keys === 'foreign')
      log.error(
        { others },
        'another process on this store has no key in common with this one: tokens of one are refused with the keys of the other',
      );
    else if (keys === 'differ' || graph === 'differ')
      log.warn(
        { others, keys, graph, running, graphs },
        'processes on this store differ in keys or graph; as after a change until all have taken it up',
      );
    else log.info({ others, running }, 'processes on this store have the same keys and graph again');
  }

  return {
    /** Undefined until the store has been asked. */
    get report(): PeerReport | undefined {
      return known;
    },
    /**
     * Compares once. Nothing is known of the others while the store is unavailable. To be closed even if this throws.
     *
     * @throws WaybillError `usage` where another process has no key in common with this one.
     */
    async requireSharedKeys(): Promise<void> {
      await look();
      if (known?.keys !== 'foreign') return;
      throw usageError(
        `Another process on this --store serves ${issuer().plan.issuer.url} with other keys: tokens of one would be refused with the keys of the other. Give all of them the same key file (--keys). If that process has just been killed, try again in 15 seconds.`,
      );
    },
    /** Compares every two seconds, until it is closed. */
    follow(): void {
      following = followOn();
    },
    /** Never rejects. */
    async close(): Promise<void> {
      stopped.abort();
      await following; // which would announce this process again
      await peers.withdraw();
    },
  };
}
