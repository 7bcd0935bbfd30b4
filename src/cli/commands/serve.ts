/** `waybill serve PATH`: runs the issuer, follows changes of graph, keys and files, and shuts down cleanly. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Logger } from 'pino';
import { setTimeout as pause } from 'node:timers/promises';
import { type WaybillError, usageError } from '../../errors.ts';
import type { Plan } from '../../graph/index.ts';
import {
  Readiness,
  createApp,
  listen,
  type ReadinessReport,
  type RunningServer,
  type TlsOptions,
} from '../../issuer/http/index.ts';
import { KeyWaits, sharedStateNeeds, type Issuer } from '../../issuer/index.ts';
import { requireReplaceable } from '../../issuer/keys/index.ts';
import { observedStore, type Store } from '../../issuer/stores/index.ts';
import { compileInThread } from '../../planning/compile-thread/index.ts';
import { followGraph, type FileFollower } from '../serving/follow-files.ts';
import {
  compileArguments,
  graphOptions,
  requirePlan,
  withGraphOptions,
  type GraphArguments,
} from '../arguments/graph-arguments.ts';
import { followPeers, type PeerFollower } from '../serving/follow-peers.ts';
import { DEFAULT_KEY_FILE } from './keys.ts';
import { openLog, type IssuerLog } from '../serving/log-output.ts';
import { Reporter, startManagement } from '../serving/management/index.ts';
import { IssuerMetrics } from '../serving/metrics/index.ts';
import {
  managementOf,
  readPort,
  withOperationOptions,
  type OperationArguments,
} from '../arguments/operation-options.ts';
import { numberBetween } from '../arguments/number.ts';
import { openKeyFile, type OpenedKeys } from '../serving/open-keys.ts';
import { renewTls } from '../serving/renew-tls.ts';
import { rotationOption } from '../serving/rotation-period.ts';
import { RunningIssuer } from '../serving/running-issuer.ts';
import { onEndSignals } from '../serving/shutdown.ts';
import { InstanceLock } from '../serving/instance-lock.ts';
import { isMemory, openStore, settleStore } from '../serving/store.ts';
import { print } from '../output/terminal.ts';
import {
  clientCertificatesOf,
  readForwardedFrom,
  readProxy,
  readTls,
  withTlsOptions,
  type TlsArguments,
} from '../serving/tls-options.ts';
import {
  warnOfSharedAddress,
  warnOfHttpIssuer,
  warnOfPortMismatch,
  warnOfFewFiles,
  warnOfUnusableAuth,
  type Seen,
} from '../serving/start-warnings.ts';
import {
  answerMetrics,
  isWorker,
  leave,
  report,
  requireSharedStore,
  supervise,
  tellListening,
  workerNumber,
} from '../serving/workers.ts';

interface ServeOptions extends GraphArguments, TlsArguments, OperationArguments {
  readonly host: string;
  readonly port: number;
  readonly keys: string;
  readonly rotateKeys?: number;
  readonly store: string;
  readonly readyWithoutStore: boolean;
  readonly logLevel: string;
  readonly watch: boolean;
  readonly workers: number;
}

/** What draining a server takes at most. */
const LONGEST_DRAIN_MS = 7_000;
const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'];

export function addServe(program: Command): void {
  const command = withGraphOptions(
    program
      .command('serve')
      .summary('run the issuer')
      .description(
        'Runs the issuer for a graph. Prints `listening on http://HOST:PORT` when it is ready; logs go to standard error, one JSON object per line. ' +
          'It reloads the graph when a file changes or on SIGHUP; if the new graph has errors, the running one stays. ' +
          'Changes of the key file, and of the files that the graph and the --tls- options name, take effect within seconds.',
      )
      .argument('<path...>', 'graph files, or folders of them; together one graph')
      .option('--host <host>', 'the address to listen on', '127.0.0.1')
      .option('--port <port>', 'the port to listen on; 0 takes a free one', readPort, 8080)
      .option('--keys <file>', 'the key file; created if it is missing', DEFAULT_KEY_FILE)
      .addOption(
        rotationOption(
          'change the signing key this often, in hours or days: 12h, 30d; several processes may share a key file (default: only `waybill keys rotate` changes it)',
        ),
      )
      .addOption(
        new Option(
          '--store <where>',
          'where to keep opaque tokens and revocations: memory, for one process, or redis://[user:password@]host:port/database (rediss:// with TLS)',
        )
          .env('WAYBILL_STORE')
          .default('memory'),
      )
      .option(
        '--ready-without-store',
        '/readyz returns 200 while the store is unavailable, and says what works without it',
        true,
      )
      .option('--no-ready-without-store', '/readyz returns 503 while the store is unavailable')
      .option(
        '--workers <count>',
        'processes that share one port, to use several cores; with more than one, a graph that needs a store also needs --store redis://…',
        numberBetween(1, 64),
        1,
      )
      .option('--log-level <level>', LOG_LEVELS.join(', '), readLevel, 'info')
      .option(
        '--no-watch',
        'reload the graph, and the files that it and the --tls- options name, only on SIGHUP; the key file is still followed',
      ),
  );
  withTlsOptions(withOperationOptions(command)).action(async (paths: string[], options: ServeOptions) => {
    await serve(paths, options).catch((error: unknown) => {
      leave();
      throw error;
    });
    if (process.exitCode !== undefined) leave();
  });
}

function readLevel(text: string): string {
  if (!LOG_LEVELS.includes(text))
    throw new InvalidArgumentError(`It must be one of ${LOG_LEVELS.join(', ')}.`);
  return text;
}

async function serve(paths: readonly string[], options: ServeOptions): Promise<void> {
  const issuerLog = openLog(options.logLevel, workerNumber());
  const { log } = issuerLog;
  const follower = options.watch ? await followGraph([...paths, ...options.vars]) : undefined;
  const compiled = compileArguments(paths, options);
  const plan = requirePlan(compiled, 'plan');
  if (options.workers > 1) requireSharedStore(plan, options.store);
  if (options.workers > 1 && !isWorker())
    return supervise({ count: options.workers, log, management: managementOf(options) }, (url) =>
      print(`listening on ${url}`),
    );
  const tls = readTls(options);
  const certificateProxy = readProxy(options);
  const seen: Seen = {
    tls,
    certificateProxy,
    forwardedFrom: readForwardedFrom(options),
    clientCertificates: clientCertificatesOf(tls, certificateProxy),
  };
  if (options.rotateKeys !== undefined) requireReplaceable(options.keys);
  const management = managementOf(options);
  const metrics = management && new IssuerMetrics();
  if (metrics && isWorker()) answerMetrics(() => metrics.values());
  const send =
    management && metrics && !isWorker()
      ? await startManagement(management, log, () => metrics.text())
      : management && report;
  const lock = options.workers > 1 ? undefined : await acquireInstanceLock(plan, options, log);
  // Outlives every reload: a store that forgets would accept an assertion twice.
  const opened = openStore(options.store, log);
  const store = metrics ? observedStore(opened, metrics.storeObserver) : opened;
  // An open store would keep a failed process alive.
  const starting = { paths, options, plan, follower, seen, lock, store, issuerLog, send, metrics };
  await start(starting).catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
}

interface Start {
  readonly paths: readonly string[];
  readonly options: ServeOptions;
  readonly plan: Plan;
  /** Changes of the graph since before it was read; absent: it is not followed. */
  readonly follower: FileFollower | undefined;
  readonly seen: Seen;
  readonly lock: InstanceLock | undefined;
  readonly store: Store;
  readonly issuerLog: IssuerLog;
  /** Reports to the management port; undefined if there is none. */
  readonly send: ((report: ReadinessReport) => void) | undefined;
  /** Undefined without a management port. */
  readonly metrics: IssuerMetrics | undefined;
}

/** @throws WaybillError if the issuer cannot run; then only the store is open. */
async function start(starting: Start): Promise<void> {
  const { paths, options, plan, follower, seen, lock, store, issuerLog, send, metrics } = starting;
  const { tls, ...views } = seen;
  const { log } = issuerLog;
  const opened = await openKeyFile(options.keys, plan.issuer.signing);
  // Created before the key file, so that an issuer that cannot start leaves no key file behind.
  const running = new RunningIssuer(plan, opened.ring, {
    store,
    log,
    keyWaits: keyWaitsFor(options.maxRequests),
    recompile: async (signal) => compileInThread({ paths, ...graphOptions(options) }, signal),
    onGraph: (next) => {
      if (options.workers > 1) requireSharedStore(next, options.store);
      lock?.acquireNow(sharedStateNeeds(next));
      warnOfUnusableAuth(next, seen.clientCertificates, log);
    },
  });
  await settleStore(store, plan, log);
  if (opened.isNew) await requirePort(options);
  let stopping = false;
  const issuer = (): Issuer => running.issuer;
  const peers = followPeers(store, issuer, log);
  await keepKeys(opened, running, peers, options.rotateKeys);
  const parts = new Readiness({
    issuer,
    ready: () => !stopping,
    readyWithoutStore: options.readyWithoutStore,
    peers: () => peers.report,
    details: () => detailsOf(issuerLog),
  });
  const readiness = async (): Promise<ReadinessReport> => parts.report();
  const admission = { maxRequests: options.maxRequests };
  metrics?.read({
    graph: () => running.graph,
    key: () => running.signingKey,
    publishedKeys: () => issuer().jwks.keys.length,
    isStoreLost: () => store.state().lost !== undefined,
    droppedLogLines: () => issuerLog.state().dropped,
  });
  const app = createApp({ issuer, log, readiness, admission, observer: metrics, ...views });
  const server = await listenAt(options, tls, app, log);
  const reporter = send && new Reporter(readiness, send);
  logStart(plan, log);
  warnOfUnusableAuth(plan, seen.clientCertificates, log);
  warnOfSharedAddress(seen, log);
  warnOfFewFiles(options.maxConnections, log);

  const renewal = renewTls(options, tls, server, log);
  process.on('SIGHUP', () => renewal?.renew());
  const stopFollowing = running.follow(follower);
  peers.follow();
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    stopping = true;
    // A person sends SIGINT; orchestrators send SIGTERM, and need time to route requests elsewhere.
    const delay = signal === 'SIGTERM' ? options.shutdownDelay : 0;
    log.info({ signal, delay }, 'stopping');
    reporter?.finish({ status: 503, body: { status: 'stopping' } });
    if (delay > 0) {
      lock?.announceEnd(delay * 1_000 + LONGEST_DRAIN_MS);
      await pause(delay * 1_000);
      await server.drain();
    }
    const closed = server.close();
    lock?.release(); // what comes next need not wait for the requests that still run here
    await stopFollowing();
    renewal?.close();
    await closed;
    await peers.close();
    await store.close();
    log.info('stopped');
    leave();
  };
  // Only the supervisor counts signals: one sent to the process group reaches a worker twice.
  const again = isWorker() ? { again: () => undefined } : {};
  onEndSignals({ stop: (signal) => void stop(signal), ...again });
  warnOfPortMismatch(plan.issuer.url, server.url, log);
  warnOfHttpIssuer(plan.issuer.url, log);
  if (isWorker()) tellListening(server.url);
  else print(`listening on ${server.url}`);
}

/** Half of all requests may wait for keys that are fetched, the others go on meanwhile. */
function keyWaitsFor(maxRequests: number | undefined): KeyWaits {
  return maxRequests === undefined ? new KeyWaits() : new KeyWaits(Math.ceil(maxRequests / 2));
}

/**
 * Makes the key file where it is missing. New keys are compared with those of other processes before that, all others
 * as they are in the file.
 *
 * @param every seconds for which a key signs.
 * @throws WaybillError
 */
async function keepKeys(
  opened: OpenedKeys,
  running: RunningIssuer,
  peers: PeerFollower,
  every: number | undefined,
): Promise<void> {
  try {
    const { keeper, isMade } = await opened.keep(every, () => peers.requireSharedKeys());
    running.keep(keeper);
    if (!isMade) await peers.requireSharedKeys();
  } catch (error) {
    await peers.close(); // keys that are nowhere would keep the next attempt from starting
    throw error;
  }
}

/** @throws WaybillError `usage` */
async function listenAt(
  { host, port, maxConnections }: ServeOptions,
  tls: TlsOptions | undefined,
  app: ReturnType<typeof createApp>,
  log: Logger,
): Promise<RunningServer> {
  const onRefused = (refused: number): void =>
    log.warn({ refused }, 'connections were closed at once: too many are open, see --max-connections');
  try {
    return await listen(app, { host, port, tls, maxConnections, onRefused });
  } catch (error) {
    throw portRefused({ host, port }, error);
  }
}

/**
 * Checks that the port is free, without answering requests there: answers need keys, and keys are made only for an issuer
 * that can start.
 *
 * @throws WaybillError `usage`
 */
async function requirePort({ host, port }: ServeOptions): Promise<void> {
  const server = createServer();
  try {
    await once(server.listen(port, host), 'listening');
  } catch (error) {
    throw portRefused({ host, port }, error);
  }
  await once(server.close(), 'close');
}

function portRefused({ host, port }: Pick<ServeOptions, 'host' | 'port'>, error: unknown): WaybillError {
  return usageError(
    `Cannot listen on ${host}:${port} (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}). Choose another --port or --host.`,
  );
}

/** @returns undefined if processes share a store. @throws WaybillError `usage` if another process serves. */
async function acquireInstanceLock(
  plan: Plan,
  options: ServeOptions,
  log: Logger,
): Promise<InstanceLock | undefined> {
  if (!isMemory(options.store)) return undefined;
  const onLost = (): void => {
    process.exitCode = 1;
    process.kill(process.pid, 'SIGINT'); // without delay: two would answer
  };
  const lock = new InstanceLock({ keyFile: options.keys, log, onLost });
  process.once('exit', () => lock.release());
  await lock.acquire(sharedStateNeeds(plan));
  return lock;
}

/** Lost log lines are reported, but do not make the issuer unready. */
function detailsOf({ state }: IssuerLog): Readonly<Record<string, unknown>> {
  const { dropped, reason } = state();
  return dropped === 0 && reason === undefined ? {} : { log: { dropped, reason } };
}

function logStart({ name, digest, clients, services, issuer }: Plan, log: Logger): void {
  log.info(
    { graph: name, digest, clients: clients.size, services: services.size, issuer: issuer.url },
    'started',
  );
}
