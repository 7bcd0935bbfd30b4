/**
 * What `/readyz` answers, on either port: whether the issuer accepts new requests, and which parts of it work.
 *
 * Without its store the issuer refuses only what needs it. Processes that share a store lose it together. If all of them
 * were taken out of rotation, nobody could fetch keys, and services would refuse valid tokens.
 */
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import { storeDependence, type Issuer, type PeerReport } from '../index.ts';

export interface ReadinessOptions {
  /** The issuer that answers now. */
  readonly issuer: () => Issuer;
  /** Whether new requests are accepted; false while shutting down. Default: always. */
  readonly ready?: (() => boolean) | undefined;
  /** Whether the issuer is ready while its store takes no writes. Default: true. */
  readonly readyWithoutStore?: boolean | undefined;
  /** How the issuer compares with others that share its store. Default: no comparison. */
  readonly peers?: (() => PeerReport | undefined) | undefined;
  /** More to report, without effect on the status. Default: nothing. */
  readonly details?: (() => Readonly<Record<string, unknown>>) | undefined;
}

/** An answer of `/readyz`. */
export interface ReadinessReport {
  /** The HTTP status, 200 or 503. */
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Milliseconds to wait for the store. Probes usually wait a second. */
const STORE_MS = 400;

export class Readiness {
  readonly #options: ReadinessOptions;
  /** Concurrent probes share one request to the store. */
  #asking: Promise<boolean> | undefined;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /** Never rejects, and takes half a second at most. */
  async report(): Promise<ReadinessReport> {
    const { issuer, ready = () => true, readyWithoutStore = true, peers, details } = this.#options;
    const isStored = await this.#askStore();
    const answering = issuer();
    const { plan } = answering;
    const { risks, lost = 'no answer' } = answering.store();
    const { works, needs } = storeDependence(plan);
    const others = peers?.();
    const isStopping = !ready();
    const status = isStopping
      ? 'stopping'
      : isStored
        ? 'ready'
        : readyWithoutStore
          ? 'ready without its store'
          : 'store unavailable';
    return {
      status: isStopping || (!isStored && !readyWithoutStore) ? 503 : 200,
      body: {
        status,
        graph: plan.digest,
        ...(isStored ? {} : { store: lost, works, fails: needs }),
        ...(risks.length > 0 ? { risks } : {}),
        ...(others && !(others.keys === 'same' && others.graph === 'same') ? { peers: others } : {}),
        ...details?.(),
      },
    };
  }

  async #askStore(): Promise<boolean> {
    this.#asking ??= this.#options
      .issuer()
      .ready()
      .catch(() => false)
      .finally(() => (this.#asking = undefined));
    const given = new AbortController();
    // An answer that arrived while this process was busy is read in the next turn, and is in time.
    const late = pause(STORE_MS, undefined, { signal: given.signal }).then(
      async () => turn(false),
      () => false,
    );
    const answer = await Promise.race([this.#asking, late]);
    given.abort();
    return answer;
  }
}
