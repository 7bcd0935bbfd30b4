/** The metrics of a sidecar, in the form of Prometheus. Labels come from closed lists, so their number is bounded. */
import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import type { HandleState } from './handles.ts';

export type Direction = 'inbound' | 'outbound';

const DIRECTIONS: readonly Direction[] = ['inbound', 'outbound'];
const PREFIX = 'waybill_sidecar_';

export class Metrics {
  readonly #registry = new Registry();
  readonly #decisions = this.#coded('decisions_total', 'Checks by result.');
  readonly #reported = this.#coded(
    'reported_total',
    'Checks that count as allowed, and would be refused without `mode: report`, by reason.',
  );
  readonly #notForwarded = this.#coded(
    'not_forwarded_total',
    'Requests that the proxy could not pass on, by reason.',
  );
  readonly #seconds = new Counter({
    ...this.#described('check_seconds_total', 'Time that checks took, waiting included.'),
    labelNames: ['direction'],
  });
  readonly #checksRunning = new Gauge({
    ...this.#described('checks_running', 'Checks that run.'),
    labelNames: ['direction'],
  });
  #running = 0;

  /** @param handles absent: there are none. */
  constructor(handles: (() => HandleState) | undefined) {
    for (const direction of DIRECTIONS) {
      this.#seconds.inc({ direction }, 0);
      this.#checksRunning.set({ direction }, 0);
    }
    if (handles) this.#followHandles(handles);
  }

  /** Adds those of the process: memory, processor time, event-loop lag. For a process that runs one sidecar. */
  addProcess(): void {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** All checks that run. */
  get running(): number {
    return this.#running;
  }

  /** @returns what to call at the end, with `allowed` or the code of the refusal. */
  begin(direction: Direction): (code: string) => void {
    const since = performance.now();
    this.#running += 1;
    this.#checksRunning.inc({ direction });
    return (code) => {
      this.#running -= 1;
      this.#checksRunning.dec({ direction });
      this.#seconds.inc({ direction }, (performance.now() - since) / 1000);
      this.count(direction, code);
    };
  }

  /** @param code `allowed`, or that of the refusal. */
  count(direction: Direction, code: string): void {
    this.#decisions.inc({ direction, code });
  }

  countReported(direction: Direction, code: string): void {
    this.#reported.inc({ direction, code });
  }

  countNotForwarded(direction: Direction, code: string): void {
    this.#notForwarded.inc({ direction, code });
  }

  /** The text of `/metrics`. */
  async text(): Promise<string> {
    return this.#registry.metrics();
  }

  #followHandles(handles: () => HandleState): void {
    const held: Gauge = new Gauge({
      ...this.#described('handles', 'Tokens that are held for a handle.'),
      collect: () => void held.set(handles().count),
    });
    const bytes: Gauge = new Gauge({
      ...this.#described('handle_bytes', 'Memory that they take.'),
      collect: () => void bytes.set(handles().bytes),
    });
    const evicted: Counter = new Counter({
      ...this.#described('handles_evicted_total', 'Forgotten while their token was good.'),
      collect() {
        evicted.reset();
        evicted.inc(handles().evicted);
      },
    });
  }

  #coded(name: string, help: string): Counter<'direction' | 'code'> {
    return new Counter({ ...this.#described(name, help), labelNames: ['direction', 'code'] });
  }

  #described(name: string, help: string) {
    return { name: PREFIX + name, help, registers: [this.#registry] };
  }
}
