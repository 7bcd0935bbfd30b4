/** Options of `serve` for those who operate it: probes, shutdown, limits. */
import { InvalidArgumentError, type Command } from 'commander';
import type { ManagementAddress } from '../serving/management/index.ts';

export interface OperationArguments {
  readonly host: string;
  readonly managementPort?: number;
  /** Seconds. */
  readonly shutdownDelay: number;
  readonly maxRequests?: number;
  readonly maxConnections?: number;
}

const MAX_PORT = 65_535;
const MAX_DELAY_S = 3_600;
const MAX_COUNT = 1_000_000;

export function withOperationOptions(command: Command): Command {
  return command
    .option(
      '--management-port <port>',
      'a separate port on the same host for /healthz and /readyz, answered even when the issuer is busy (default: on --port alone)',
      readPort,
    )
    .option(
      '--shutdown-delay <seconds>',
      'time after SIGTERM in which requests are still answered and /readyz is 503; then connections are closed; a second signal ends at once',
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
      'open connections of each process; more are closed at once (default: 10000; never more than the limit on open files leaves room for)',
      readCount,
    );
}

export function managementOf({ host, managementPort }: OperationArguments): ManagementAddress | undefined {
  return managementPort === undefined ? undefined : { host, port: managementPort };
}

export function readPort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > MAX_PORT)
    throw new InvalidArgumentError(`A port is a number up to ${MAX_PORT}.`);
  return port;
}

function readDelay(text: string): number {
  const seconds = Number(text);
  if (!/^\d{1,9}(?:\.\d{1,9})?$/.test(text) || seconds > MAX_DELAY_S)
    throw new InvalidArgumentError(`Seconds from 0 to ${MAX_DELAY_S}.`);
  return seconds;
}

function readCount(text: string): number {
  const count = Number(text);
  if (!/^[1-9]\d*$/.test(text) || count > MAX_COUNT)
    throw new InvalidArgumentError(`A count from 1 to ${MAX_COUNT}.`);
  return count;
}
