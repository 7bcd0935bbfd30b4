/** `waybill sidecar FILE`: verifies requests to a service in any language, and swaps the tokens of its calls. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Logger } from 'pino';
import { defined } from '../defined.ts';
import { Sidecar, readConfig, sidecarOptions, type DecisionReport } from '../../mesh/index.ts';
import { openLog } from '../serving/log-output.ts';
import { onEndSignals } from '../serving/shutdown.ts';
import { SidecarPorts } from '../serving/sidecar-ports.ts';

const SHUTDOWN_DELAY_S = 5;

export function addSidecar(program: Command): void {
  program
    .command('sidecar')
    .summary('verify requests and swap tokens for a service in any language')
    .description(
      'Runs beside a service that has no middleware of its own. A proxy asks it about each request (`check`: Envoy, nginx `auth_request`, forward authentication). ' +
        'The answer says who calls, in x-waybill- headers, or which token a call of the service goes out with. ' +
        'Without such a proxy it is one itself: before the service (`listen`, `upstream`), and for its calls (`egress`). ' +
        'Prints `NAME on http://HOST:PORT` for each port, `admin`, `check`, `listen` and `egress`, and `grpc on HOST:PORT`, when all are open; logs go to standard error, one JSON object per line.',
    )
    .argument(
      '[file]',
      'the configuration, in YAML or JSON (schemas/sidecar.schema.json). Each text, number and list can come from a variable, which counts before it: `issuer` from WAYBILL_ISSUER, `client_cert.from` from WAYBILL_CLIENT_CERT_FROM, with commas. Default: variables alone',
    )
    .option('--listen <address>', 'the proxy before the service listens at this HOST:PORT')
    .option('--upstream <origin>', 'where the service listens, such as http://127.0.0.1:8080')
    .option('--egress <address>', 'the proxy for calls of the service listens at this HOST:PORT')
    .option(
      '--check <address>',
      'other proxies ask at this HOST:PORT. Default: 127.0.0.1:9191 if there is no --listen and no --egress',
    )
    .option('--grpc <address>', 'Envoy asks over gRPC at this HOST:PORT')
    .option('--admin <address>', '/healthz, /readyz and /metrics are at this HOST:PORT')
    .action(runSidecar);
}

interface SidecarArguments {
  readonly listen?: string;
  readonly upstream?: string;
  readonly egress?: string;
  readonly check?: string;
  readonly grpc?: string;
  readonly admin?: string;
}

/** In the shape of the configuration. */
function asConfig({ listen, egress, ...texts }: SidecarArguments): Readonly<Record<string, unknown>> {
  const at = (address: string | undefined) => (address === undefined ? undefined : { address });
  return { ...texts, ...defined({ listen: at(listen), egress: at(egress) }) };
}

async function runSidecar(file: string | undefined, given: SidecarArguments): Promise<void> {
  const { config, ignored } = readConfig(file, process.env, asConfig(given));
  const { log } = openLog(config.log_level ?? 'info', undefined);
  const options = sidecarOptions(config, process.env);
  const sidecar = new Sidecar({ ...options, onDecision: (decision) => logDecision(decision, log) });
  if (ignored.length > 0) log.warn({ ignored }, 'variables that mean nothing to the sidecar');
  let stopping = false;
  const ports = new SidecarPorts(config, log);
  await ports.open(sidecar, () => !stopping);
  warnOfOpenPort('check', config.check, log);
  warnOfOpenPort('grpc', config.grpc, log);
  warnOfOpenPort('egress', config.egress?.address, log);
  log.info({ issuer: config.issuer, audience: config.audience, caller: config.caller }, 'started');
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    stopping = true;
    const delay = signal === 'SIGTERM' ? (config.shutdown_delay ?? SHUTDOWN_DELAY_S) : 0;
    log.info({ signal, delay }, 'stopping');
    if (delay > 0) await pause(delay * 1_000);
    await ports.close(delay > 0);
    log.info('stopped');
  };
  onEndSignals({ stop: (signal) => void stop(signal) });
}

/** Whoever can ask for the token of a call needs only a token of this service. */
function warnOfOpenPort(port: 'check' | 'grpc' | 'egress', address: string | undefined, log: Logger): void {
  if (address === undefined || /^(?:127\.|localhost:|\[::1\]:)/.test(address)) return;
  log.warn(
    { [port]: address },
    'others can reach this port: whoever has a token of this service can make its calls there',
  );
}

/** A line for each refusal; allowed requests only at debug, since the proxy logs them. */
function logDecision({ code, ...line }: DecisionReport, log: Logger): void {
  if (code === 'allowed') log.debug(line, 'allowed');
  else if (line.reported) log.info({ ...line, code }, 'reported');
  else if (code === 'server_error') log.error({ ...line, code }, 'refused');
  else log.info({ ...line, code }, 'refused');
}
