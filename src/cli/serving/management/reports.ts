/**
 * What the management port answers, from reports that come twice a second. Whoever reports none has an event loop that
 * stands still: it answers no probe on its own port, and is seen here by its silence.
 */
import type { ReadinessReport } from '../../../issuer/http/index.ts';

/** Between two reports. */
export const REPORT_MS = 500;
/** From this silence on, requests should go elsewhere. */
const UNREADY_MS = 2_000;
/** From this silence on, the process should be started anew. Nothing that it does on purpose takes so long. */
const DEAD_MS = 10_000;

interface Received {
  readonly report: ReadinessReport;
  /** When it came, in milliseconds of the monotonic clock. */
  readonly at: number;
}

export class Reports {
  readonly #received = new Map<number, Received>();
  readonly #isShared: boolean;
  #isStopping = false;

  /** @param isShared whether several workers report. */
  constructor(isShared: boolean) {
    this.#isShared = isShared;
  }

  /** @param worker any number where there is but one. */
  receive(worker: number, report: ReadinessReport): void {
    this.#received.set(worker, { report, at: performance.now() });
  }

  /** It has ended. */
  forget(worker: number): void {
    this.#received.delete(worker);
  }

  /** All of them end, whatever they report. */
  stop(): void {
    this.#isStopping = true;
  }

  /** Of `/healthz`: 503 where all stand still. Before the first report it is a process that starts. */
  health(): ReadinessReport {
    const silences = [...this.#received.values()].map(silenceOf);
    const isDead = silences.length > 0 && silences.every((silence) => silence > DEAD_MS);
    return isDead ? stalled(Math.min(...silences)) : { status: 200, body: { status: 'ok' } };
  }

  /** Of `/readyz`: as the process itself says; of several workers, 200 where one of them does. */
  readiness(): ReadinessReport {
    const all = [...this.#received].map(([worker, received]) => [worker, currentOf(received)] as const);
    const first = all.find(([, { status }]) => status === 200) ?? all[0];
    const best = first?.[1] ?? { status: 503, body: { status: 'starting' } };
    const told = this.#isStopping ? { status: 503, body: { status: 'stopping' } } : best;
    if (!this.#isShared) return told;
    const workers = Object.fromEntries(all.map(([worker, { body }]) => [worker, body]));
    return { status: told.status, body: { status: told.body['status'], workers } };
  }
}

function silenceOf({ at }: Received): number {
  return performance.now() - at;
}

function currentOf(received: Received): ReadinessReport {
  const silence = silenceOf(received);
  return silence > UNREADY_MS ? stalled(silence) : received.report;
}

function stalled(silence: number): ReadinessReport {
  return { status: 503, body: { status: 'stalled', seconds: Math.floor(silence / 1000) } };
}
