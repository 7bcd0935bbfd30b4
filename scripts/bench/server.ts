/**
 * Servers that are measured, each a process of its own that prints `listening on URL` once it is ready; a sidecar prints
 * `check on URL`, or `grpc on HOST:PORT`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT, WAYBILL, owned } from '../demo/processes.ts';
import { processesOf, processorTime } from './processor-time.ts';

export interface Server {
  readonly url: string;
  /** What it wrote to standard error so far. */
  log(): string;
  /** Microseconds of CPU so far; of its own processes as they are when it is asked for the first time. */
  processorTime(): number;
}

/**
 * @param args of `node`.
 * @param log the file that gets its standard error.
 */
export async function startServer(
  args: readonly string[],
  log: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const child = owned(
    spawn(process.execPath, args, {
      cwd: ROOT,
      env: { ...process.env, NODE_ENV: 'production', ...environment },
      stdio: ['ignore', 'pipe', openSync(log, 'a')],
    }),
  );
  const url = await addressOf(child);
  const { pid } = child;
  if (url === undefined || pid === undefined)
    throw new TypeError(`${args.join(' ')} did not start: see ${log}`);
  let pids: readonly number[] | undefined;
  return {
    url,
    log: () => readFileSync(log, 'utf8'),
    processorTime: () => processorTime((pids ??= processesOf(pid))),
  };
}

/**
 * The issuer as it ships, with its default settings: it logs every issuance, here to a file.
 *
 * @param options of `waybill serve`, beside the graph.
 * @param secrets environment variables that hold the secrets of clients and services.
 */
export async function startWaybill(
  graph: string,
  { name, folder, secrets, options = [] }: WaybillOptions,
): Promise<Server> {
  const keys = path.join(folder, `${name}.keys.json`);
  const own = ['--port', '0', '--keys', keys, '--no-watch', '--shutdown-delay', '0'];
  const args = [WAYBILL, 'serve', graph, ...own, ...options];
  return startServer(args, path.join(folder, `${name}.log`), secrets);
}

export interface WaybillOptions {
  /** Of its files. */
  readonly name: string;
  readonly folder: string;
  readonly secrets: Readonly<Record<string, string>>;
  readonly options?: readonly string[];
}

/** @returns undefined where it ends before. */
async function addressOf({ stdout }: ChildProcess): Promise<string | undefined> {
  if (!stdout) throw new TypeError('the server has no output');
  for await (const line of createInterface({ input: stdout })) {
    const [, port, address] = /^(listening|check|grpc) on (\S+)$/.exec(line) ?? [];
    if (address !== undefined) return port === 'grpc' ? `http://${address}` : address;
  }
  return undefined;
}
