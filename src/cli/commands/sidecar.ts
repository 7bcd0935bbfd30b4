/** `waybill sidecar FILE`: verifies requests to a service in any language, and swaps the tokens of its calls. */
import { setTimeout as pause } from 'node:timers/promises';
import type { RequestListener } from 'node:http';
import type { Command } from 'commander';
import type { Logger } from 'pino';
import { WaybillError } from '../../errors.ts';
import { listen, type RunningServer } from '../../issuer/http/index.ts';
import {
  Sidecar,
  adminPages,
  httpChecks,
  readConfig,
  sidecarOptions,
  type DecisionReport,
  type SidecarConfig,
} from '../../mesh/index.ts';
import { print } from '../output/terminal.ts';
import { openLog } from '../serving/log-output.ts';
import { onEndSignals } from '../serving/shutdown.ts';

const DEFAULT_CHECK = '127.0.0.1:9191';
/** Room for the largest accepted token and what else a request has. */
const MAX_HEADER_BYTES = 96 * 1024;
const SHUTDOWN_DELAY_S = 5;

export function addSidecar(program: Command): void {
  program
    .command('sidecar')
    .summary('verify requests and swap tokens for a service in any language')
    .description(
      'Runs beside a service that has no middleware of its own. A proxy asks it about each request (`check`: Envoy, nginx `auth_request`, forward authentication). ' +
        'The answer says who calls, in x-waybill- headers, or which token a call of the service goes out with. ' +
        'Prints `check on http://HOST:PORT` when it is ready; logs go to standard error, one JSON object per line.',
    )
    .argument(
      '[file]',
      'the configuration, in YAML or JSON (schemas/sidecar.schema.json). Variables count before it: WAYBILL_ISSUER, WAYBILL_AUDIENCE, WAYBILL_CLIENT_CERT_FROM',
    )
    .action(runSidecar);
}

async function runSidecar(file: string | undefined): Promise<void> {
  const { config, ignored } = readConfig(file, process.env);
  const { log } = openLog(config.log_level ?? 'info', undefined);
  const options = sidecarOptions(config, process.env);
  const sidecar = new Sidecar({ ...options, onDecision: (decision) => logDecision(decision, log) });
  if (ignored.length > 0) log.warn({ ignored }, 'variables that mean nothing to the sidecar');
  let stopping = false;
  const running: RunningServer[] = [];
  const open = async (name: string, address: string | undefined, app: RequestListener): Promise<void> => {
    if (address === undefined) return;
    const server = await listenAt(address, name, app, config);
    running.push(server);
    print(`${name} on ${server.url}`);
  };
  try {
    const pages = adminPages(
      () => !stopping,
      () => sidecar.metricsText(),
    );
    await open('admin', config.admin, pages);
    await open('check', config.check ?? DEFAULT_CHECK, httpChecks(sidecar));
  } catch (error) {
    await Promise.all(running.map((server) => server.close()));
    throw error;
  }
  warnOfOpenPort(config.check, log);
  log.info({ issuer: config.issuer, audience: config.audience, caller: config.caller }, 'started');
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    stopping = true;
    const delay = signal === 'SIGTERM' ? (config.shutdown_delay ?? SHUTDOWN_DELAY_S) : 0;
    log.info({ signal, delay }, 'stopping');
    if (delay > 0) await pause(delay * 1_000);
    await Promise.all(
      running.map(async (server) => {
        if (delay > 0) await server.drain();
        await server.close();
      }),
    );
    log.info('stopped');
  };
  onEndSignals({ stop: (signal) => void stop(signal) });
}

/** @throws WaybillError `usage` */
async function listenAt(
  address: string,
  name: string,
  app: RequestListener,
  config: SidecarConfig,
): Promise<RunningServer> {
  const { host, port } = readAddress(address);
  const maxHeaderBytes = config.max_header_bytes ?? MAX_HEADER_BYTES;
  try {
    return await listen(app, { host, port, maxHeaderBytes });
  } catch (error) {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    throw new WaybillError('usage', `Cannot listen on ${address} (${code}). Choose another \`${name}\`.`);
  }
}

function readAddress(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) };
}

/** Whoever can ask for the token of a call needs only a token of this service. */
function warnOfOpenPort(check: string | undefined, log: Logger): void {
  if (check === undefined || /^(?:127\.|localhost:|\[::1\]:)/.test(check)) return;
  log.warn(
    { check },
    'others can reach the port for checks: whoever has a token of this service gets tokens for its calls there',
  );
}

/** A line for each refusal; allowed requests only at debug, since the proxy logs them. */
function logDecision({ code, ...line }: DecisionReport, log: Logger): void {
  if (code === 'allowed') log.debug(line, 'allowed');
  else if (code === 'server_error') log.error({ ...line, code }, 'refused');
  else log.info({ ...line, code }, 'refused');
}
