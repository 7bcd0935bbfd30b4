/** `waybill serve PATH`: runs the issuer, follows changes of graph and keys, ends cleanly. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { pino, type Logger } from 'pino';
import {
  WaybillError,
  compileGraph,
  createApp,
  createIssuer,
  isWaybillError,
  listen,
  requireReplaceable,
  type Compiled,
  type Issuer,
  type IssuerOptions,
  type KeyKeeper,
  type KeyRing,
  type Plan,
  type SigningAlgorithm,
  type Store,
} from '../index.ts';
import {
  compileArguments,
  errorsOf,
  requirePlan,
  withGraphOptions,
  type GraphArguments,
} from './graph-arguments.ts';
import { followGraph } from './follow-graph.ts';
import { DEFAULT_KEY_FILE } from './keys.ts';
import { openKeyFile } from './open-keys.ts';
import { openStore } from './store.ts';
import { readKeySets, readSecrets } from './party-files.ts';
import { rotationOption } from './rotation-period.ts';
import { KeyFollower } from './serve-keys.ts';
import { print } from './terminal.ts';
import { readProxy, readTls, withTlsOptions, type TlsArguments } from './tls-options.ts';

interface ServeOptions extends GraphArguments, TlsArguments {
  readonly host: string;
  readonly port: number;
  readonly keys: string;
  readonly rotateKeys?: number;
  readonly store: string;
  readonly logLevel: string;
  readonly watch: boolean;
}

const MAX_PORT = 65_535;
const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'];

export function addServe(program: Command): void {
  const command = withGraphOptions(
    program
      .command('serve')
      .summary('run the issuer')
      .description(
        'Runs the issuer for a graph. Prints `listening on http://HOST:PORT` when it is ready; logs go to standard error, one JSON object a line. ' +
          'A changed graph, or SIGHUP, reloads it; a graph with errors leaves the running one in place. A changed key file is taken up within seconds.',
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
      .option('--log-level <level>', LOG_LEVELS.join(', '), readLevel, 'info')
      .option('--no-watch', 'reload the graph on SIGHUP only'),
  );
  withTlsOptions(command).action((paths: string[], options: ServeOptions) => serve(paths, options));
}

function readPort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > MAX_PORT)
    throw new InvalidArgumentError(`A port is a number up to ${MAX_PORT}.`);
  return port;
}

function readLevel(text: string): string {
  if (!LOG_LEVELS.includes(text)) throw new InvalidArgumentError(`One of ${LOG_LEVELS.join(', ')}.`);
  return text;
}

async function serve(paths: readonly string[], options: ServeOptions): Promise<void> {
  const log = pino(
    { level: options.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination(2),
  );
  const compiled = compileArguments(paths, options);
  const plan = requirePlan(compiled, 'plan');
  if (!plan) {
    process.exitCode = 1;
    return;
  }
  const [tls, certificateProxy] = [readTls(options), readProxy(options)];
  if (options.rotateKeys !== undefined) requireReplaceable(options.keys);
  // Outlives every reload: a mark that it forgot would let an assertion in for a second time.
  const store = openStore(options.store);
  const parts = partsOf(plan, store);
  const opened = await openKeyFile(options.keys, plan.issuer.signing);
  createIssuer({ ...parts, keys: opened.ring }); // an issuer that cannot start leaves no key file behind
  const keeper = await opened.keep(options.rotateKeys);
  const answers: Answers = { running: start(parts, keeper.ring(plan.issuer.signing)) };
  let stopping = false;
  const server = await listen(
    createApp({ issuer: () => answers.running.issuer, log, ready: () => !stopping, certificateProxy }),
    { host: options.host, port: options.port, tls },
  ).catch(async (error: unknown) => {
    await store.close();
    throw new WaybillError(
      'usage',
      `${options.host}:${options.port} cannot be listened on (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}). Choose another --port or --host.`,
    );
  });
  logStart(plan, log);
  if (!(await store.ready()))
    log.warn('the store cannot be reached yet; until it can, what needs it is answered 503');

  const stopFollowing = await followChanges(paths, options, answers, keeper, log);
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    await stopFollowing();
    await server.close();
    await store.close();
    log.info('stopped');
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(signal));
  warnOfOtherAddress(plan.issuer.url, server.url, log);
  print(`listening on ${server.url}`);
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

/** The issuer that answers, and what it was made of: keys and graph change one without the other. */
interface Running {
  readonly parts: Omit<IssuerOptions, 'keys'> & { readonly store: Store };
  readonly keys: KeyRing;
  readonly issuer: Issuer;
}

/** Replaced as a whole, so that what signs and what is published are one. */
interface Answers {
  running: Running;
}

type KeysFor = (alg: SigningAlgorithm) => KeyRing;

function partsOf(plan: Plan, store: Store): Running['parts'] {
  return { plan, secrets: readSecrets(plan), keySets: readKeySets(plan), store };
}

function start(parts: Running['parts'], keys: KeyRing): Running {
  return { parts, keys, issuer: createIssuer({ ...parts, keys }) };
}

/** Graph and keys are followed each on its own. @returns what ends it. */
async function followChanges(
  paths: readonly string[],
  options: ServeOptions,
  answers: Answers,
  keeper: KeyKeeper,
  log: Logger,
): Promise<() => Promise<void>> {
  const reloader = new Reloader(log, () => {
    answers.running = reload(paths, options, answers.running, keysFor, log);
  });
  const keys = new KeyFollower({
    keeper,
    log,
    signing: () => answers.running.parts.plan.issuer.signing,
    adopt: (ring) => {
      answers.running = start(answers.running.parts, ring);
    },
  });
  const keysFor: KeysFor = (alg) => keys.keysFor(alg, () => reloader.request('a key for its algorithm'));
  const following = keys.follow();
  const stopWatching = options.watch
    ? await followGraph(paths, (path) => reloader.request(path), log)
    : async () => undefined;
  process.on('SIGHUP', () => void keys.look(true).then(() => reloader.request('SIGHUP')));
  return async () => {
    await stopWatching();
    await keys.close();
    await following;
  };
}

/** @returns what answers from now on: the new graph, or the running one where the new one does not hold. */
function reload(
  paths: readonly string[],
  options: ServeOptions,
  running: Running,
  keysFor: KeysFor,
  log: Logger,
): Running {
  const { plan, store } = running.parts;
  const compiled: Compiled = compileGraph(paths, { variables: options.var });
  if (!compiled.plan) {
    for (const { code, file, line, column, message, hint } of errorsOf(compiled.findings)) {
      log.error({ code, file, line, column, hint }, message);
    }
    log.error(
      { running: plan.digest, errors: errorsOf(compiled.findings).length },
      'the graph has errors; the running one stays in place',
    );
    return running;
  }
  if (compiled.plan.issuer.url !== plan.issuer.url) {
    log.error(
      { running: plan.issuer.url, found: compiled.plan.issuer.url },
      "the issuer's URL changed, which takes a restart; the running graph stays in place",
    );
    return running;
  }
  const { signing } = compiled.plan.issuer;
  const keys = signing === plan.issuer.signing ? running.keys : keysFor(signing);
  const fresh = start(partsOf(compiled.plan, store), keys);
  log.info({ before: plan.digest, now: compiled.plan.digest }, 'reloaded');
  return fresh;
}

/** Reads the graph again when asked to; whatever goes wrong, what runs stays in place. */
class Reloader {
  readonly #log: Logger;
  readonly #reload: () => void;

  constructor(log: Logger, reload: () => void) {
    this.#log = log;
    this.#reload = reload;
  }

  request(cause: string): void {
    this.#log.info({ cause }, 'reloading');
    try {
      this.#reload();
    } catch (error) {
      const reason = isWaybillError(error) ? error.message : 'unexpected error';
      this.#log.error(
        { reason, ...(isWaybillError(error) ? {} : { err: error }) },
        'reloading failed; the running graph stays in place',
      );
    }
  }
}
