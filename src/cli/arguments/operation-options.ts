/** Options of `serve` for operators: probes, shutdown, limits. */
import { InvalidArgumentError, type Command } from 'commander';
import { numberBetween } from './number.ts';
import type { ManagementAddress } from '../serving/management/index.ts';

export interface OperationArguments {
  readonly host: string;
  readonly managementPort?: number;
  /** Seconds. */
  readonly shutdownDelay: number;
  readonly maxRequests?: number;
  readonly maxConnections?: number;
}

const MAX_DELAY_S = 3_600;

export function withOperationOptions(command: Command): Command {
  return command
    .option(
      '--management-port <port>',
      'a separate port on the same host for /healthz, /readyz and /metrics; it says so when the issuer is too busy to answer (default: none)',
      readPort,
    )
    .option(
      '--shutdown-delay <seconds>',
      'after SIGTERM, keep serving this long with /readyz at 503 before closing connections; a second signal ends the process immediately',
      readDelay,
      5,
    )
    .option(
      '--max-requests <count>',
      'concurrent requests of each process; further ones get 503 (default: 1000)',
      readCount,
    )
    .option(
      '--max-connections <count>',
      'open connections of each process; further ones are closed immediately (default: 10000; never more than the limit on open files allows)',
      readCount,
    );
}

export function managementOf({ host, managementPort }: OperationArguments): ManagementAddress | undefined {
  return managementPort === undefined ? undefined : { host, port: managementPort };
}

export const readPort = numberBetween(0, 65_535);
const readCount = numberBetween(1, 1_000_000);

function readDelay(text: string): number {
  const seconds = Number(text);
  if (!/^\d{1,9}(?:\.\d{1,9})?$/.test(text) || seconds > MAX_DELAY_S)
    throw new InvalidArgumentError(`It must be a number of seconds from 0 to ${MAX_DELAY_S}.`);
  return seconds;
}
