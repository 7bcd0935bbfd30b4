/**
 * What the management port answers, from reports that come twice a second. Whoever reports none has an event loop that
 * stands still: it answers no probe on its own port, and is seen here by its silence.
 */

/** What a process that issues tells of itself. */
export interface Report {
  /** As `/readyz` of its own port has it: `ready`, or why not. */
  readonly status: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface ProbeAnswer {
  readonly status: 200 | 503;
  readonly body: object;
}

/** Between two reports. */
export const REPORT_MS = 500;
/** From this silence on, requests should go elsewhere. */
const UNREADY_MS = 2_000;
/** From this silence on, the process should be started anew: a reload of a large graph is shorter. */
const DEAD_MS = 10_000;

interface Received {
  readonly report: Report;
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
  receive(worker: number, report: Report): void {
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
  health(): ProbeAnswer {
    const silences = [...this.#received.values()].map(silenceOf);
    const isDead = silences.length > 0 && silences.every((silence) => silence > DEAD_MS);
    return isDead
      ? { status: 503, body: { status: 'stalled', seconds: Math.floor(Math.min(...silences) / 1000) } }
      : { status: 200, body: { status: 'ok' } };
  }

  /** Of `/readyz`: 200 where one can take requests. */
  readiness(): ProbeAnswer {
    const all = [...this.#received].map(([worker, received]) => [worker, current(received)] as const);
    const best = all.find(([, { status }]) => status === 'ready') ?? all[0];
    const status = this.#isStopping ? 'stopping' : (best?.[1].status ?? 'starting');
    const details = this.#isShared
      ? { workers: Object.fromEntries(all.map(([worker, report]) => [worker, bodyOf(report)])) }
      : best?.[1].details;
    return { status: status === 'ready' ? 200 : 503, body: { status, ...details } };
  }
}

function silenceOf({ at }: Received): number {
  return performance.now() - at;
}

function current(received: Received): Report {
  const silence = silenceOf(received);
  if (silence <= UNREADY_MS) return received.report;
  const { details } = received.report;
  return { status: 'stalled', details: { ...details, seconds: Math.floor(silence / 1000) } };
}

function bodyOf({ status, details }: Report): object {
  return { status, ...details };
}
