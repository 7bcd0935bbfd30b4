/**
 * What the management port answers, from reports that arrive twice a second. A process that sends none has an event loop
 * that stands still: it cannot answer probes on its own port, but its silence shows here.
 */
import type { ReadinessReport } from '../../../issuer/http/index.ts';

/** Between two reports. */
export const REPORT_MS = 500;
/** After this silence, requests should go elsewhere. */
const UNREADY_MS = 2_000;
/** After this silence, the process should be restarted. Nothing that it does on purpose takes this long. */
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

  /** @param worker any number if there is only one. */
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

  /** Of `/healthz`: 503 if all are stalled. Before the first report the process counts as starting. */
  health(): ReadinessReport {
    const silences = [...this.#received.values()].map(silenceOf);
    const isDead = silences.length > 0 && silences.every((silence) => silence > DEAD_MS);
    return isDead ? stalled(Math.min(...silences)) : { status: 200, body: { status: 'ok' } };
  }

  /** Of `/readyz`: what the process itself says; with several workers, 200 if one of them says so. */
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
