/** Counters in the text form of Prometheus. Labels come from closed lists, so their number is bounded. */
import type { HandleState } from './handles.ts';

export type Direction = 'inbound' | 'outbound';

const DIRECTIONS: readonly Direction[] = ['inbound', 'outbound'];

export class Metrics {
  /** By direction and code; `allowed` is the code of a request that may go on. */
  readonly #decisions = new Map<string, number>();
  /** The same for what was let pass because refusals are only reported. */
  readonly #reported = new Map<string, number>();
  /** The same for what the proxy could not pass on. */
  readonly #notForwarded = new Map<string, number>();
  readonly #seconds = { inbound: 0, outbound: 0 };
  readonly #running = { inbound: 0, outbound: 0 };

  /** All checks that run. */
  get running(): number {
    return this.#running.inbound + this.#running.outbound;
  }

  /** @returns what to call at the end, with `allowed` or the code of the refusal. */
  begin(direction: Direction): (code: string) => void {
    const since = performance.now();
    this.#running[direction] += 1;
    return (code) => {
      this.#running[direction] -= 1;
      this.#seconds[direction] += (performance.now() - since) / 1000;
      this.count(direction, code);
    };
  }

  count(direction: Direction, code: string): void {
    add(this.#decisions, direction, code);
  }

  countReported(direction: Direction, code: string): void {
    add(this.#reported, direction, code);
  }

  countNotForwarded(direction: Direction, code: string): void {
    add(this.#notForwarded, direction, code);
  }

  /** The text of `/metrics`. @param handles absent: there are none. */
  text(handles: HandleState | undefined): string {
    const lines = [
      ...described('waybill_sidecar_decisions_total', 'counter', 'Checks by result.'),
      ...counted('waybill_sidecar_decisions_total', this.#decisions),
      ...described(
        'waybill_sidecar_reported_total',
        'counter',
        'Checks that count as allowed, and would be refused without `mode: report`, by reason.',
      ),
      ...counted('waybill_sidecar_reported_total', this.#reported),
      ...described(
        'waybill_sidecar_not_forwarded_total',
        'counter',
        'Requests that the proxy could not pass on, by reason.',
      ),
      ...counted('waybill_sidecar_not_forwarded_total', this.#notForwarded),
      ...described(
        'waybill_sidecar_check_seconds_total',
        'counter',
        'Time that checks took, waiting included.',
      ),
      ...DIRECTIONS.map(
        (one) => `waybill_sidecar_check_seconds_total{direction="${one}"} ${this.#seconds[one]}`,
      ),
      ...described('waybill_sidecar_checks_running', 'gauge', 'Checks that run.'),
      ...DIRECTIONS.map((one) => `waybill_sidecar_checks_running{direction="${one}"} ${this.#running[one]}`),
    ];
    if (handles !== undefined)
      lines.push(
        ...described('waybill_sidecar_handles', 'gauge', 'Tokens that are held for a handle.'),
        `waybill_sidecar_handles ${handles.count}`,
        ...described('waybill_sidecar_handle_bytes', 'gauge', 'Memory that they take.'),
        `waybill_sidecar_handle_bytes ${handles.bytes}`,
        ...described(
          'waybill_sidecar_handles_evicted_total',
          'counter',
          'Forgotten while their token was good.',
        ),
        `waybill_sidecar_handles_evicted_total ${handles.evicted}`,
      );
    return `${lines.join('\n')}\n`;
  }
}

function add(counts: Map<string, number>, direction: Direction, code: string): void {
  const key = `direction="${direction}",code="${code}"`;
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function counted(name: string, counts: ReadonlyMap<string, number>): string[] {
  return Array.from(counts, ([labels, count]) => `${name}{${labels}} ${count}`);
}

function described(name: string, type: 'counter' | 'gauge', help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}
