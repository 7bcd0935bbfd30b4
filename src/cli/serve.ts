/** `waybill serve PATH`: runs the issuer, follows changes of graph, keys and files, ends cleanly. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Logger } from 'pino';
import { setTimeout as pause } from 'node:timers/promises';
import {
  WaybillError,
  createApp,
  keptBetweenRequests,
  listen,
  readinessOf,
  requireReplaceable,
  shutOut,
  type AppOptions,
  type ClientCertificates,
  type Plan,
  type ReadinessOptions,
  type RunningServer,
  type Store,
  type TlsOptions,
} from '../index.ts';
import { compileArguments, requirePlan, withGraphOptions, type GraphArguments } from './graph-arguments.ts';
import { DEFAULT_KEY_FILE } from './keys.ts';
import { openLog, type IssuerLog } from './log-output.ts';
import { Reporter, startManagementThread, type ManagementAddress, type Report } from './management/index.ts';
import { openKeyFile } from './open-keys.ts';
import { TlsRenewal } from './renew-tls.ts';
import { rotationOption } from './rotation-period.ts';
import { RunningIssuer } from './running-issuer.ts';
import { onEndSignals } from './shutdown.ts';
import { SoleProcess } from './sole-process.ts';
import { isMemory, openStore } from './store.ts';
import { print } from './terminal.ts';
import {
  clientCertificatesOf,
  readForwardedFrom,
  readProxy,
  readTls,
  withTlsOptions,
  type TlsArguments,
} from './tls-options.ts';
import {
  isWorker,
  leave,
  report,
  requireSharedStore,
  supervise,
  tellListening,
  workerNumber,
} from './workers.ts';

interface ServeOptions extends GraphArguments, TlsArguments {
  readonly host: string;
  readonly port: number;
  readonly keys: string;
  readonly rotateKeys?: number;
  readonly store: string;
  readonly logLevel: string;
  readonly watch: boolean;
  readonly workers: number;
  readonly managementPort?: number;
  readonly shutdownDelay: number;
  readonly maxRequests?: number;
  readonly maxConnections?: number;
}

const MAX_PORT = 65_535;
const MAX_WORKERS = 64;
const MAX_DELAY_S = 3_600;
const MAX_COUNT = 1_000_000;
const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'];

export function addServe(program: Command): void {
  const command = withGraphOptions(
    program
      .command('serve')
      .summary('run the issuer')
      .description(
        'Runs the issuer for a graph. Prints `listening on http://HOST:PORT` when it is ready; logs go to standard error, one JSON object a line. ' +
          'A changed graph, or SIGHUP, reloads it; a graph with errors leaves the running one in place. ' +
          'The key file, and the files that the graph and the --tls- options name, are taken up within seconds when they change.',
      )
      .argument('<path...>', 'graph files, or folders of them; together one graph')
      .option('--host <host>', 'the address to listen on', '127.0.0.1')
      .option('--port <port>', 'the port to listen on; 0 takes a free one', readPort, 8080)
      .option('--keys <file>', 'the key file; made where it is missing', DEFAULT_KEY_FILE)
      .addOption(
        rotationOption(
          'change the key that signs this often, in hours or days: 12h, 30d; several processes may share a key file (default: only waybill keys rotate does)',
        ),
      )
      .addOption(
        new Option(
          '--store <where>',
          'opaque tokens and revocations: memory, for one process, or redis://[user:password@]host:port/database, rediss:// with TLS',
        )
          .env('WAYBILL_STORE')
          .default('memory'),
      )
      .option(
        '--workers <count>',
        'processes that answer on one port, to use more than one core; where the graph needs a store, --store redis://… has to be given with more than one',
        readWorkers,
        1,
      )
      .option(
        '--management-port <port>',
        'a port of its own for /healthz and /readyz, on the same host: answered however busy the issuer is (default: on --port alone)',
        readPort,
      )
      .option(
        '--shutdown-delay <seconds>',
        'after SIGTERM, go on for so long with /readyz at 503, before connections are closed; a second signal ends at once',
        readDelay,
        5,
      )
      .option(
        '--max-requests <count>',
        'requests that each process works on at the same time; more are answered 503 (default: 1000)',
        readCount,
      )
      .option(
        '--max-connections <count>',
        'open connections of each process; more are closed at once (default: 10000, or what the limit on open files leaves room for)',
        readCount,
      )
      .option('--log-level <level>', LOG_LEVELS.join(', '), readLevel, 'info')
      .option(
        '--no-watch',
        'read the graph, and the files that it and the --tls- options name, again on SIGHUP only; the key file is followed all the same',
      ),
  );
  withTlsOptions(command).action(async (paths: string[], options: ServeOptions) => {
    await serve(paths, options).catch((error: unknown) => {
      leave();
      throw error;
    });
    if (process.exitCode !== undefined) leave();
  });
}

function readPort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > MAX_PORT)
    throw new InvalidArgumentError(`A port is a number up to ${MAX_PORT}.`);
  return port;
}

function readWorkers(text: string): number {
  const count = Number(text);
  if (!/^[1-9]\d*$/.test(text) || count > MAX_WORKERS)
    throw new InvalidArgumentError(`Workers are counted from 1 to ${MAX_WORKERS}.`);
  return count;
}

function readDelay(text: string): number {
  const seconds = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || seconds > MAX_DELAY_S)
    throw new InvalidArgumentError(`Seconds from 0 to ${MAX_DELAY_S}.`);
  return seconds;
}

function readCount(text: string): number {
  const count = Number(text);
  if (!/^[1-9]\d*$/.test(text) || count > MAX_COUNT)
    throw new InvalidArgumentError(`A count from 1 to ${MAX_COUNT}.`);
  return count;
}

function readLevel(text: string): string {
  if (!LOG_LEVELS.includes(text)) throw new InvalidArgumentError(`One of ${LOG_LEVELS.join(', ')}.`);
  return text;
}

async function serve(paths: readonly string[], options: ServeOptions): Promise<void> {
  const issuerLog = openLog(options.logLevel, workerNumber());
  const { log } = issuerLog;
  const compiled = compileArguments(paths, options);
  const plan = requirePlan(compiled, 'plan');
  if (!plan) {
    process.exitCode = 1;
    return;
  }
  if (options.workers > 1) requireSharedStore(plan, options.store);
  if (options.workers > 1 && !isWorker())
    return supervise({ count: options.workers, log, management: managementAddress(options) }, (url) =>
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
  const send = await reportTo(options, log);
  const sole = options.workers > 1 ? undefined : await holdAlone(plan, options, log);
  // Outlives every reload: a mark that it forgot would let an assertion in for a second time.
  const store = openStore(options.store);
  // What connects to a store by itself keeps a process alive that has nothing to do.
  await start({ paths, options, plan, seen, sole, store, issuerLog, send }).catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
}

/** What the server comes to see of those who ask. */
interface Seen extends Pick<AppOptions, 'certificateProxy' | 'forwardedFrom'> {
  readonly tls: TlsOptions | undefined;
  readonly clientCertificates: ClientCertificates;
}

interface Start {
  readonly paths: readonly string[];
  readonly options: ServeOptions;
  readonly plan: Plan;
  readonly seen: Seen;
  readonly sole: SoleProcess | undefined;
  readonly store: Store;
  readonly issuerLog: IssuerLog;
  /** Takes what the management port is to say; undefined where there is none. */
  readonly send: ((report: Report) => void) | undefined;
}

/** @throws WaybillError where the issuer cannot run, with nothing open but the store. */
async function start({ paths, options, plan, seen, sole, store, issuerLog, send }: Start): Promise<void> {
  const { tls, ...views } = seen;
  const { log } = issuerLog;
  const opened = await openKeyFile(options.keys, plan.issuer.signing);
  // An issuer that cannot start leaves no key file behind.
  const running = new RunningIssuer(plan, opened.ring, {
    store,
    log,
    recompile: () => compileArguments(paths, options),
    onGraph: (next) => {
      if (options.workers > 1) requireSharedStore(next, options.store);
      sole?.holdNow(keptBetweenRequests(next));
      warnOfShutOut(next, seen.clientCertificates, log);
    },
  });
  running.keep(await opened.keep(options.rotateKeys));
  let stopping = false;
  const readiness: ReadinessOptions = {
    issuer: () => running.issuer,
    ready: () => !stopping,
    details: () => detailsOf(issuerLog),
  };
  const admission = { maxRequests: options.maxRequests };
  const app = createApp({ ...readiness, log, admission, ...views });
  const server = await listenAt(options, tls, app, log);
  const reporter = send && new Reporter(() => readinessOf(readiness), send);
  logStart(plan, log);
  if (!(await store.ready()))
    log.warn('the store cannot be reached yet; until it can, what needs it is answered 503');
  warnOfShutOut(plan, seen.clientCertificates, log);
  warnOfOneAddress(seen, log);

  const renewal = new TlsRenewal(options, tls, server, log);
  process.on('SIGHUP', () => renewal.renew());
  const stopFollowing = await running.follow(options.watch ? paths : []);
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    stopping = true;
    // Ctrl-C comes from a person; orchestrators send SIGTERM, and take a while to send requests elsewhere.
    const delay = signal === 'SIGTERM' ? options.shutdownDelay : 0;
    log.info({ signal, delay }, 'stopping');
    reporter?.finish({ status: 'stopping', details: {} });
    if (delay > 0) {
      await pause(delay * 1_000);
      await server.drain();
    }
    sole?.release(); // what comes next need not wait for the requests that still run here
    await stopFollowing();
    renewal.close();
    await server.close();
    await store.close();
    log.info('stopped');
    leave();
  };
  // The supervisor alone counts signals: one that reaches the whole process group comes to a worker twice.
  const again = isWorker() ? { again: () => undefined } : {};
  onEndSignals({ stop: (signal) => void stop(signal), ...again });
  warnOfOtherAddress(plan.issuer.url, server.url, log);
  if (isWorker()) tellListening(server.url);
  else print(`listening on ${server.url}`);
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
    throw new WaybillError(
      'usage',
      `${host}:${port} cannot be listened on (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}). Choose another --port or --host.`,
    );
  }
}

/** @returns undefined where processes share a store. @throws WaybillError `usage` */
async function holdAlone(plan: Plan, options: ServeOptions, log: Logger): Promise<SoleProcess | undefined> {
  if (!isMemory(options.store)) return undefined;
  const onLost = (): void => {
    process.exitCode = 1;
    process.kill(process.pid, 'SIGINT'); // without delay: two would answer
  };
  const sole = new SoleProcess({ keyFile: options.keys, log, onLost });
  process.once('exit', () => sole.release());
  await sole.hold(keptBetweenRequests(plan));
  return sole;
}

function managementAddress({ host, managementPort }: ServeOptions): ManagementAddress | undefined {
  return managementPort === undefined ? undefined : { host, port: managementPort };
}

/** Opens the management port of a single process; a worker reports to its supervisor. */
async function reportTo(
  options: ServeOptions,
  log: Logger,
): Promise<((report: Report) => void) | undefined> {
  const address = managementAddress(options);
  if (!address) return undefined;
  if (isWorker()) return report;
  const management = await startManagementThread(address, (error) =>
    log.error({ err: error }, 'the management port answers no more'),
  );
  print(`management on ${management.url}`);
  return management.receive;
}

/** A log that loses lines makes nothing unready. */
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

/** On one machine no proxy stands between: tokens would name an issuer at which nobody answers. */
function warnOfOtherAddress(issuer: string, address: string, log: Logger): void {
  const { protocol, port } = new URL(issuer);
  if (protocol === 'https:' || port === new URL(address).port) return;
  log.warn(
    { issuer, listening: address },
    'tokens name an issuer at another port: set --port, or the URL in the graph',
  );
}

/** One guesser would use up the patience for all who come through the proxy. */
function warnOfOneAddress({ certificateProxy, forwardedFrom }: Seen, log: Logger): void {
  if (!certificateProxy || forwardedFrom) return;
  log.warn(
    'failed authentication counts for the address of the proxy, and so for everyone behind it: name the proxy in --forwarded-from too, if it sets X-Forwarded-For',
  );
}

/** They would be told that they are unknown, and nobody would know why. */
function warnOfShutOut(plan: Plan, certificates: ClientCertificates, log: Logger): void {
  const parties = shutOut(plan, certificates);
  if (parties.size === 0) return;
  log.warn(
    { parties: Object.fromEntries(parties) },
    'these cannot authenticate: the server sees no certificate of theirs without --tls-cert and --tls-client-ca, or --client-cert-header',
  );
}
