/**
 * `serve --workers N`: a process that answers nothing itself and keeps N others at work on one port. Each of them is an
 * issuer by itself; they share the key file, and the store where the graph needs one.
 *
 * The first starts alone: what keeps an issuer from starting is said once, and a key file that is missing is made once.
 * A worker that ends by itself before any answers has said why. One that is killed, or ends later, is replaced.
 */
import cluster, { type Worker } from 'node:cluster';
import type { Logger } from 'pino';
import { WaybillError } from '../../errors.ts';
import type { Plan } from '../../graph/index.ts';
import { roomForConnections, type ReadinessReport } from '../../issuer/http/index.ts';
import { sharedStateNeeds } from '../../issuer/index.ts';
import { boundHandedConnections } from './handed-connections.ts';
import { Reports, answerProbes, type ManagementAddress } from './management/index.ts';
import { endAtOnce, onEndSignals } from './shutdown.ts';
import { isMemory } from './store.ts';

/** Before one that has died is replaced: so long at first, twice as long each time, until one lives for a while. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const HEALTHY_MS = 60_000;

/** What a worker reports. */
interface Told {
  /** Its address, once it answers. */
  readonly listening?: string;
  /** For the management port. */
  readonly report?: ReadinessReport;
}

/** Whether this process is one of several that a supervisor has started. */
export function isWorker(): boolean {
  return cluster.isWorker;
}

/** What the log calls this worker; undefined where there is but one process. */
export function workerNumber(): number | undefined {
  return cluster.worker?.id;
}

/** Tells the supervisor that this worker answers. */
export function tellListening(url: string): void {
  process.send?.({ listening: url } satisfies Told);
}

/** Sends the supervisor this worker's report for the management port. */
export function report(report: ReadinessReport): void {
  process.send?.({ report } satisfies Told);
}

/** Lets a worker end that has nothing left to do: what it hears the supervisor by keeps it alive otherwise. */
export function leave(): void {
  cluster.worker?.disconnect();
}

/** @throws WaybillError `usage` where workers would contradict each other. */
export function requireSharedStore(plan: Plan, store: string): void {
  const kept = sharedStateNeeds(plan);
  if (!isMemory(store) || kept.length === 0) return;
  throw new WaybillError(
    'usage',
    `Each worker would have a memory of its own for ${kept.join(', ')}: one would accept what another has used up or revoked. Give --store redis://…, or leave --workers out.`,
  );
}

export interface SuperviseOptions {
  /** Of workers. */
  readonly count: number;
  readonly log: Logger;
  /** Address of the management port; undefined: none. */
  readonly management: ManagementAddress | undefined;
}

/**
 * Starts the workers, and ends with them: on SIGINT and SIGTERM, or where the first says that it cannot start. SIGHUP goes
 * on to all. A second signal kills them.
 *
 * @param listening told of their address when all of them answer.
 * @throws WaybillError `usage` where the management port cannot be listened on.
 */
export async function supervise(
  { count, log, management }: SuperviseOptions,
  listening: (url: string) => void,
): Promise<void> {
  const reports = new Reports(true);
  if (management) await answerProbes(reports, management);
  boundHandedConnections(roomForConnections(), (refused) =>
    log.warn(
      { refused },
      'connections were closed at once: workers take them more slowly than they come, and the limit on open files leaves room for no more to wait',
    ),
  );
  new Supervisor({ count, log, reports, listening }).start();
}

interface SupervisorOptions {
  readonly count: number;
  readonly log: Logger;
  readonly reports: Reports;
  readonly listening: (url: string) => void;
}

class Supervisor {
  readonly #count: number;
  readonly #log: Logger;
  readonly #reports: Reports;
  readonly #listening: (url: string) => void;
  readonly #ready = new Set<Worker>();
  /** When each was started. */
  readonly #born = new Map<Worker, number>();
  /** For those that have died. */
  readonly #waiting = new Set<NodeJS.Timeout>();
  #pause = FIRST_PAUSE_MS;
  /** Whether any worker has answered: then the graph, the keys and the port are valid. */
  #hasAnswered = false;
  #isStarted = false;
  #isStopping = false;

  constructor({ count, log, reports, listening }: SupervisorOptions) {
    this.#count = count;
    this.#log = log;
    this.#reports = reports;
    this.#listening = listening;
  }

  start(): void {
    cluster.on('message', (worker, { listening, report }: Told) => {
      if (listening !== undefined) this.#answers(worker, listening);
      if (report) this.#reports.receive(worker.id, report);
    });
    cluster.on('exit', (worker, code, signal) => this.#ended(worker, code, signal));
    onEndSignals({ stop: (signal) => this.#stop(signal), again: (signal) => this.#kill(signal) });
    process.on('SIGHUP', () => this.#tell('SIGHUP'));
    this.#fork();
  }

  #fork(): void {
    const worker = cluster.fork();
    this.#born.set(worker, performance.now());
    this.#log.info({ worker: worker.id, pid: worker.process.pid }, 'worker started');
  }

  #answers(worker: Worker, url: string): void {
    this.#ready.add(worker);
    this.#hasAnswered = true;
    if (this.#isStarted) return;
    for (let i = this.#born.size + this.#waiting.size; i < this.#count; i += 1) this.#fork();
    if (this.#ready.size < this.#count) return;
    this.#isStarted = true;
    this.#listening(url);
  }

  #ended(worker: Worker, code: number | null, signal: string | null): void {
    const age = performance.now() - (this.#born.get(worker) ?? 0);
    this.#born.delete(worker);
    this.#ready.delete(worker);
    this.#reports.forget(worker.id);
    if (this.#isStopping) return;
    if (code !== null && !this.#hasAnswered) {
      process.exitCode = code; // it has said why
      this.#stop('SIGTERM');
      return;
    }
    const pause = age >= HEALTHY_MS ? FIRST_PAUSE_MS : this.#pause;
    this.#pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
    this.#log.error(
      { worker: worker.id, code, signal, pause },
      'a worker has ended; another takes its place',
    );
    const timer = setTimeout(() => {
      this.#waiting.delete(timer);
      this.#fork();
    }, pause);
    this.#waiting.add(timer);
  }

  #stop(signal: NodeJS.Signals): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#reports.stop();
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
