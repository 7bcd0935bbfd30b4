/**
 * `serve --workers N`: a supervisor that keeps N worker processes running on one port. Each worker is an issuer; they
 * share the key file, and the store if the graph needs one.
 *
 * The first worker starts alone, so that a startup error is reported once and a missing key file is created once. A worker
 * that exits before any is ready has printed its error. One that is killed, or exits later, is replaced.
 */
import cluster, { type Worker } from 'node:cluster';
import type { Logger } from 'pino';
import { usageError } from '../../errors.ts';
import type { Plan } from '../../graph/index.ts';
import { roomForConnections, type ReadinessReport } from '../../issuer/http/index.ts';
import { sharedStateNeeds } from '../../issuer/index.ts';
import { boundHandedConnections } from './handed-connections.ts';
import { Questions, Reports, answerManagement, type ManagementAddress } from './management/index.ts';
import { sumOfMetrics, type MetricValues } from './metrics/index.ts';
import { endAtOnce, onEndSignals } from './shutdown.ts';
import { isMemory } from './store.ts';

/** Pauses before a worker is replaced: doubled each time, until one runs for `HEALTHY_MS`. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const HEALTHY_MS = 60_000;

/** What a worker tells its supervisor. */
interface Told {
  /** Its address, once it is ready. */
  readonly listening?: string;
  /** For the management port. */
  readonly report?: ReadinessReport;
  readonly metrics?: MetricsAnswer;
}

interface MetricsAnswer {
  readonly number: number;
  readonly values: MetricValues;
}

/** What a supervisor asks a worker. */
interface Asked {
  /** The number of the question for its metrics. */
  readonly metricsAsked?: number;
}

export function isWorker(): boolean {
  return cluster.isWorker;
}

/** The worker's number in the log; undefined without workers. */
export function workerNumber(): number | undefined {
  return cluster.worker?.id;
}

/** Tells the supervisor that this worker is ready. */
export function tellListening(url: string): void {
  tell({ listening: url });
}

/** Sends the supervisor this worker's report for the management port. */
export function report(report: ReadinessReport): void {
  tell({ report });
}

/** Answers when the supervisor asks this worker for its metrics. */
export function answerMetrics(values: () => Promise<MetricValues>): void {
  process.on('message', ({ metricsAsked: number }: Asked) => {
    if (number !== undefined) void values().then((now) => tell({ metrics: { number, values: now } }));
  });
}

/** To a supervisor that has just died nothing can be told: this worker ends too, when it hears of it. */
function tell(told: Told): void {
  process.send?.(told, undefined, {}, () => undefined);
}

/** Lets a worker exit: its channel to the supervisor would keep it alive. */
export function leave(): void {
  cluster.worker?.disconnect();
}

/** @throws WaybillError `usage` if the graph needs state that workers would not share. */
export function requireSharedStore(plan: Plan, store: string): void {
  const kept = sharedStateNeeds(plan);
  if (!isMemory(store) || kept.length === 0) return;
  throw usageError(
    `Each worker would keep its own ${kept.join(', ')}, so one would accept what another has used or revoked. Add --store redis://…, or remove --workers.`,
  );
}

export interface SuperviseOptions {
  readonly count: number;
  readonly log: Logger;
  /** Address of the management port; undefined: none. */
  readonly management: ManagementAddress | undefined;
}

/**
 * Starts the workers, and ends with them: on SIGINT and SIGTERM, or if the first one cannot start. Passes SIGHUP on to
 * all. A second signal kills them.
 *
 * @param listening called with their address when all are ready.
 * @throws WaybillError `usage` if the management port cannot be used.
 */
export async function supervise(
  { count, log, management }: SuperviseOptions,
  listening: (url: string) => void,
): Promise<void> {
  const reports = new Reports(true);
  const questions = new Questions<MetricValues>();
  const metrics = () => metricsOfWorkers(questions);
  if (management) await answerManagement({ reports, metrics }, management);
  boundHandedConnections(roomForConnections(), (refused) =>
    log.warn(
      { refused },
      'connections were closed at once: workers take them more slowly than they come, and the limit on open files leaves room for no more to wait',
    ),
  );
  new Supervisor({ count, log, reports, questions, listening }).start();
}

/** Of those that answer in time; undefined where none does. */
async function metricsOfWorkers(questions: Questions<MetricValues>): Promise<string | undefined> {
  const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker?.isConnected());
  const answers = await Promise.all(
    workers.map((worker) =>
      questions.ask((metricsAsked) => worker?.send({ metricsAsked } satisfies Asked, () => undefined)),
    ),
  );
  const values = answers.filter((answer) => answer !== undefined);
  return values.length === 0 ? undefined : sumOfMetrics(values);
}

interface SupervisorOptions extends Omit<SuperviseOptions, 'management'> {
  readonly reports: Reports;
  readonly questions: Questions<MetricValues>;
  readonly listening: (url: string) => void;
}

class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #ready = new Set<Worker>();
  /** When each was started. */
  readonly #born = new Map<Worker, number>();
  /** Timers of workers to be replaced. */
  readonly #waiting = new Set<NodeJS.Timeout>();
  #pause = FIRST_PAUSE_MS;
  /** Whether any worker has answered: then the graph, the keys and the port are valid. */
  #hasAnswered = false;
  #isStarted = false;
  #isStopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  start(): void {
    cluster.on('message', (worker, { listening, report, metrics }: Told) => {
      if (listening !== undefined) this.#answers(worker, listening);
      if (report) this.#options.reports.receive(worker.id, report);
      if (metrics) this.#options.questions.answered(metrics.number, metrics.values);
    });
    cluster.on('exit', (worker, code, signal) => this.#ended(worker, code, signal));
    onEndSignals({ stop: (signal) => this.#stop(signal), again: (signal) => this.#kill(signal) });
    process.on('SIGHUP', () => this.#tell('SIGHUP'));
    this.#fork();
  }

  #fork(): void {
    const worker = cluster.fork();
    this.#born.set(worker, performance.now());
    // Without a listener it would end this process.
    worker.on('error', (error: NodeJS.ErrnoException) => this.#failed(worker, error));
    const { pid } = worker.process;
    if (pid !== undefined) this.#options.log.info({ worker: worker.id, pid }, 'worker started');
  }

  /** It could not be started; or a message did not reach it, and its end follows. */
  #failed(worker: Worker, error: NodeJS.ErrnoException): void {
    if (worker.process.pid !== undefined) return;
    if (!this.#hasAnswered) throw error;
    const what = { worker: worker.id, reason: error.code };
    this.#replace(worker, what, 'a worker cannot be started; another attempt follows');
  }

  #answers(worker: Worker, url: string): void {
    this.#ready.add(worker);
    this.#hasAnswered = true;
    if (this.#isStarted) return;
    for (let i = this.#born.size + this.#waiting.size; i < this.#options.count; i += 1) this.#fork();
    if (this.#ready.size < this.#options.count) return;
    this.#isStarted = true;
    this.#options.listening(url);
  }

  #ended(worker: Worker, code: number | null, signal: string | null): void {
    if (code !== null && !this.#hasAnswered && !this.#isStopping) {
      process.exitCode = code; // it has said why
      this.#stop('SIGTERM');
    }
    const what = { worker: worker.id, code, signal };
    this.#replace(worker, what, 'a worker has ended; another takes its place');
  }

  #replace(worker: Worker, what: object, message: string): void {
    const age = performance.now() - (this.#born.get(worker) ?? 0);
    this.#born.delete(worker);
    this.#ready.delete(worker);
    this.#options.reports.forget(worker.id);
    if (this.#isStopping) return;
    const pause = age >= HEALTHY_MS ? FIRST_PAUSE_MS : this.#pause;
    this.#pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
    this.#options.log.error({ ...what, pause }, message);
    const timer = setTimeout(() => {
      this.#waiting.delete(timer);
      this.#fork();
    }, pause);
    this.#waiting.add(timer);
  }

  #stop(signal: NodeJS.Signals): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#options.reports.stop();
    for (const timer of this.#waiting) clearTimeout(timer);
    this.#tell(signal);
  }

  #kill(signal: NodeJS.Signals): void {
    this.#tell('SIGKILL');
    endAtOnce(signal);
  }

  #tell(signal: NodeJS.Signals): void {
    for (const worker of this.#born.keys()) worker.process.kill(signal);
  }
}
