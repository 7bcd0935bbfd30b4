/**
 * The metrics of an issuer, in the form of Prometheus. Labels come from closed lists or from the graph, never from a
 * request, so their number is bounded.
 */
import {
  Counter,
  Gauge,
  Histogram,
  Registry,
  collectDefaultMetrics,
  type MetricObjectWithValues,
  type MetricValue,
} from 'prom-client';
import type { ObservedRequest, RequestObserver } from '../../../issuer/http/index.ts';
import type { StoreObserver } from '../../../issuer/stores/index.ts';

/** The values of one process, as they go to the process that adds them up. */
export type MetricValues = MetricObjectWithValues<MetricValue<string>>[];

/** What is read when somebody asks for the metrics. Times are in seconds since the epoch. */
export interface MetricSources {
  readonly graph: () => { readonly digest: string; readonly loaded: number };
  /** `until`: when the schedule replaces the signing key; absent: there is no schedule. */
  readonly key: () => { readonly since: number; readonly until: number | undefined } | undefined;
  readonly publishedKeys: () => number;
  readonly isStoreLost: () => boolean;
  readonly droppedLogLines: () => number;
}

/** In seconds. Signing takes from a tenth of a millisecond on, and no request waits longer than a second to begin. */
const REQUEST_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const STORE_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1];

const PREFIX = 'waybill_';

export class IssuerMetrics implements RequestObserver {
  readonly #registry = new Registry();
  readonly #own = { registers: [this.#registry] };
  readonly #requests = this.#counter(
    'requests_total',
    'Requests at the endpoints by outcome: ok, inactive, or the error code of the response.',
    ['endpoint', 'grant', 'caller', 'outcome'],
  );
  readonly #requestSeconds = this.#histogram(
    'request_duration_seconds',
    'Time from the start of the work on a request to its response.',
    ['endpoint'],
    REQUEST_BUCKETS,
  );
  readonly #overloaded = this.#counter('overloaded_requests_total', 'Requests answered 503 before any work.');
  readonly #trees = this.#counter('trees_issued_total', 'Trees by the form in which they went out.', [
    'encoding',
    'reused',
  ]);
  readonly #tokens = this.#counter('tokens_issued_total', 'Tokens of these trees.', ['encoding']);
  readonly #bytes = this.#counter('issued_bytes_total', 'Bytes of their roots, children included.', [
    'encoding',
  ]);
  readonly #storeSeconds = this.#histogram(
    'store_operation_duration_seconds',
    'Time that an operation of the store takes.',
    ['operation'],
    STORE_BUCKETS,
  );
  readonly #storeErrors = this.#counter('store_errors_total', 'Operations of the store that failed.', [
    'operation',
  ]);

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** Adds what is read at each scrape. Of several processes, the one that is behind is shown. */
  read({ graph, key, publishedKeys, isStoreLost, droppedLogLines }: MetricSources): void {
    const name = `${PREFIX}graph_info`;
    const info: Gauge<'digest'> = new Gauge({
      ...this.#own,
      ...{ name, help: 'The graph that the issuer runs, by its digest.', labelNames: ['digest'] },
      aggregator: 'max',
      collect() {
        info.reset();
        info.set({ digest: graph().digest }, 1);
      },
    });
    this.#gauge('graph_loaded_timestamp_seconds', 'When the graph was loaded.', () => graph().loaded);
    this.#gauge(
      'signing_key_since_timestamp_seconds',
      'When the signing key began to sign.',
      () => key()?.since,
    );
    this.#gauge(
      'signing_key_until_timestamp_seconds',
      'When the schedule replaces the signing key; without a schedule there is no value.',
      () => key()?.until,
    );
    this.#gauge('published_keys', 'Keys in the key set.', publishedKeys);
    this.#gauge('store_up', '0 where the last write to the store failed.', () => (isStoreLost() ? 0 : 1));
    const dropped: Counter = new Counter({
      ...this.#own,
      ...{ name: `${PREFIX}log_lines_dropped_total`, help: 'Lines of the log that could not be written.' },
      collect() {
        dropped.reset();
        dropped.inc(droppedLogLines());
      },
    });
  }

  answered({ endpoint, grant, caller, outcome, seconds, tree }: ObservedRequest): void {
    this.#requests.inc({ endpoint, grant: grant ?? 'none', caller, outcome });
    this.#requestSeconds.observe({ endpoint }, seconds);
    if (!tree) return;
    const { encoding, reused, tokens, bytes } = tree;
    this.#trees.inc({ encoding, reused: String(reused) });
    this.#tokens.inc({ encoding }, tokens);
    this.#bytes.inc({ encoding }, bytes);
  }

  overloaded(): void {
    this.#overloaded.inc();
  }

  readonly storeObserver: StoreObserver = (operation, seconds, failed) => {
    this.#storeSeconds.observe({ operation }, seconds);
    if (failed) this.#storeErrors.inc({ operation });
  };

  /** What `/metrics` answers. */
  async text(): Promise<string> {
    return this.#registry.metrics();
  }

  async values(): Promise<MetricValues> {
    return this.#registry.getMetricsAsJSON();
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[] = []): Counter<Label> {
    return new Counter({ ...this.#own, name: PREFIX + name, help, labelNames });
  }

  #histogram<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    buckets: number[],
  ): Histogram<Label> {
    return new Histogram({ ...this.#own, name: PREFIX + name, help, labelNames, buckets });
  }

  /** @param value undefined: there is none. */
  #gauge(name: string, help: string, value: () => number | undefined): void {
    const gauge: Gauge = new Gauge({
      ...this.#own,
      ...{ name: PREFIX + name, help, aggregator: 'min' },
      collect() {
        const now = value();
        if (now === undefined) gauge.remove();
        else gauge.set(now);
      },
    });
  }
}
