/** `waybill serve PATH`: runs the issuer, follows changes of the graph, ends cleanly. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { pino, type Logger } from 'pino';
import {
  WaybillError,
  compileGraph,
  createApp,
  createIssuer,
  isWaybillError,
  keyRing,
  listen,
  readKeyFile,
  shutOut,
  type ClientCertificates,
  type Compiled,
  type Issuer,
  type KeyRecord,
  type Plan,
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
import { DEFAULT_KEY_FILE, openKeyFile } from './keys.ts';
import { openStore } from './store.ts';
import { FileFollower } from './follow-files.ts';
import { partyFiles, readKeySets, readSecrets } from './party-files.ts';
import { TlsRenewal } from './renew-tls.ts';
import { print } from './terminal.ts';
import {
  clientCertificatesOf,
  readProxy,
  readTls,
  withTlsOptions,
  type TlsArguments,
} from './tls-options.ts';

interface ServeOptions extends GraphArguments, TlsArguments {
  readonly host: string;
  readonly port: number;
  readonly keys: string;
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
          'A changed graph, or SIGHUP, reloads graph and keys; a graph with errors leaves the running one in place. ' +
          'So do the files that the graph and the --tls- options name, when they change.',
      )
      .argument('<path...>', 'graph files, or folders of them; together one graph')
      .option('--host <host>', 'the address to listen on', '127.0.0.1')
      .option('--port <port>', 'the port to listen on; 0 takes a free one', readPort, 8080)
      .option('--keys <file>', 'the key file; made where it is missing', DEFAULT_KEY_FILE)
      .addOption(
        new Option(
          '--store <where>',
          'opaque tokens and revocations: memory, for one process, or redis://[user:password@]host:port/database, rediss:// with TLS',
        )
          .env('WAYBILL_STORE')
          .default('memory'),
      )
      .option('--log-level <level>', LOG_LEVELS.join(', '), readLevel, 'info')
      .option('--no-watch', 'reload on SIGHUP only'),
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
  const keys = await openKeyFile(options.keys, plan.issuer.signing);
  // Outlives every reload: a mark that it forgot would let an assertion in for a second time.
  const store = openStore(options.store);
  const files = options.watch ? new FileFollower(([file]) => reloader.request(file ?? '')) : undefined;
  let issuer = startIssuer(plan, options.keys, keys.records, store, files);
  const clientCertificates = clientCertificatesOf(tls, certificateProxy);
  const reloader = new Reloader(log, () => {
    issuer = reload(paths, options, issuer, store, files, log);
    warnOfShutOut(issuer.plan, clientCertificates, log);
  });
  keys.settle();
  let stopping = false;
  const server = await listen(
    createApp({ issuer: () => issuer, log, ready: () => !stopping, certificateProxy, clientCertificates }),
    { host: options.host, port: options.port, tls },
  ).catch(async (error: unknown) => {
    await store.close();
    throw new WaybillError(
      'usage',
      `${options.host}:${options.port} cannot be listened on (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}). Choose another --port or --host.`,
    );
  });
  log.info(
    {
      graph: plan.name,
      digest: plan.digest,
      clients: plan.clients.size,
      services: plan.services.size,
      issuer: plan.issuer.url,
    },
    'started',
  );
  if (!(await store.ready()))
    log.warn('the store cannot be reached yet; until it can, what needs it is answered 503');

  warnOfShutOut(plan, clientCertificates, log);
  const renewal = new TlsRenewal(options, tls, server, log);
  const onChange = (path: string): void => reloader.request(path);
  const stopWatching = options.watch ? await followGraph(paths, onChange, log) : async () => undefined;
  process.on('SIGHUP', () => reloader.request('SIGHUP'));
  process.on('SIGHUP', () => renewal.renew());
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    await stopWatching();
    files?.close();
    renewal.close();
    await server.close();
    await store.close();
    log.info('stopped');
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(signal));
  warnOfOtherAddress(plan.issuer.url, server.url, log);
  print(`listening on ${server.url}`);
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

/** They would be told that they are unknown, and nobody would know why. */
function warnOfShutOut(plan: Plan, certificates: ClientCertificates, log: Logger): void {
  const parties = shutOut(plan, certificates);
  if (parties.size === 0) return;
  log.warn(
    { parties: Object.fromEntries(parties) },
    'these cannot authenticate: the server sees no certificate of theirs without --tls-cert and --tls-client-ca, or --client-cert-header',
  );
}

function startIssuer(
  plan: Plan,
  file: string,
  records: readonly KeyRecord[],
  store: Store,
  files: FileFollower | undefined,
): Issuer {
  files?.follow(partyFiles(plan)); // before they are read, and also where the plan then comes to nothing for their sake
  const { signing } = plan.issuer;
  if (!records.some(({ alg, status }) => alg === signing && status === 'active')) {
    throw new WaybillError(
      'keys_missing',
      `No active key of ${file} signs with ${signing}, as the graph asks. Make one: waybill keys rotate --keys ${file} --alg ${signing}`,
    );
  }
  return createIssuer({
    plan,
    keys: keyRing(records, signing),
    secrets: readSecrets(plan),
    keySets: readKeySets(plan),
    store,
  });
}

/** A running issuer never makes a key file: with a new key, every token out there would end at once. */
function rereadKeys(file: string): readonly KeyRecord[] {
  const records = readKeyFile(file);
  if (!records) throw new WaybillError('keys_missing', `The key file ${file} is gone. Put it back.`);
  return records;
}

/** @returns the issuer that answers from now on: the new one, or the running one where the new graph does not hold. */
function reload(
  paths: readonly string[],
  options: ServeOptions,
  running: Issuer,
  store: Store,
  files: FileFollower | undefined,
  log: Logger,
): Issuer {
  const compiled: Compiled = compileGraph(paths, { variables: options.var });
  if (!compiled.plan) {
    for (const { code, file, line, column, message, hint } of errorsOf(compiled.findings)) {
      log.error({ code, file, line, column, hint }, message);
    }
    log.error(
      { running: running.plan.digest, errors: errorsOf(compiled.findings).length },
      'the graph has errors; the running one stays in place',
    );
    return running;
  }
  if (compiled.plan.issuer.url !== running.plan.issuer.url) {
    log.error(
      { running: running.plan.issuer.url, found: compiled.plan.issuer.url },
      "the issuer's URL changed, which takes a restart; the running graph stays in place",
    );
    return running;
  }
  const fresh = startIssuer(compiled.plan, options.keys, rereadKeys(options.keys), store, files);
  log.info({ before: running.plan.digest, now: fresh.plan.digest }, 'reloaded');
  return fresh;
}

/** Reads graph and keys again when asked to; whatever goes wrong, what runs stays in place. */
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
