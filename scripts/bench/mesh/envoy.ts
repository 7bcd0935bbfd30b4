/** Real Envoys: the binary that WAYBILL_ENVOY names, or `envoy` on the PATH. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { owned } from '../../demo/processes.ts';
import { processesOf, processorTime } from '../processor-time.ts';

const ENVOY = process.env['WAYBILL_ENVOY'] ?? 'envoy';
const ANY_PORT = { socket_address: { address: '127.0.0.1', port_value: 0 } };
const LOOK_MS = 50;

export type Json = Readonly<Record<string, unknown>>;

export interface Bootstrap {
  readonly static_resources: { readonly listeners: readonly Json[]; readonly clusters: readonly Json[] };
}

export interface Envoy {
  /** Of its listeners, in their order. */
  readonly ports: readonly number[];
  /** Microseconds of CPU so far. */
  processorTime(): number;
}

export function hasEnvoy(): boolean {
  return spawnSync(ENVOY, ['--version']).status === 0;
}

/** Such as 1.40.0. */
export function envoyVersion(): string {
  const { stdout } = spawnSync(ENVOY, ['--version'], { encoding: 'utf8' });
  return /\/(\d+\.\d+\.\d+)\//.exec(stdout)?.[1] ?? 'unknown';
}

/**
 * @param name of its files.
 * @param bootstrap its listeners may ask for port 0.
 * @returns an Envoy with one worker that listens, and has what it fetches before it begins.
 */
export async function startEnvoy(name: string, bootstrap: Bootstrap, folder: string): Promise<Envoy> {
  const [config, admin, log] = ['json', 'admin', 'log'].map((ending) =>
    path.join(folder, `${name}.${ending}`),
  ) as [string, string, string];
  writeFileSync(config, JSON.stringify({ ...bootstrap, admin: { address: ANY_PORT } }));
  const own = ['--disable-hot-restart', '--concurrency', '1', '--log-level', 'warning'];
  const args = [...own, '-c', config, '--admin-address-path', admin];
  const child = owned(spawn(ENVOY, args, { stdio: ['ignore', 'ignore', openSync(log, 'a')] }));
  const ask = async (question: string): Promise<Response> => {
    return fetch(`http://${readFileSync(admin, 'utf8').trim()}/${question}`);
  };
  const isReady = async (): Promise<boolean> => {
    if (!existsSync(admin) || readFileSync(admin).length === 0) return false;
    return (await ask('ready')).ok;
  };
  while (!(await isReady())) {
    if (child.exitCode !== null) throw new TypeError(`${name} did not start: ${readFileSync(log, 'utf8')}`);
    await pause(LOOK_MS);
  }
  const { listener_statuses: listeners } = (await (await ask('listeners?format=json')).json()) as Listeners;
  const ports = new Map(listeners.map((one) => [one.name, one.local_address.socket_address.port_value]));
  let pids: readonly number[] | undefined;
  return {
    ports: bootstrap.static_resources.listeners.map((one) => ports.get(String(one['name'])) ?? 0),
    processorTime: () => processorTime((pids ??= processesOf(child.pid ?? 0))),
  };
}

interface Listeners {
  readonly listener_statuses: readonly {
    readonly name: string;
    readonly local_address: { readonly socket_address: { readonly port_value: number } };
  }[];
}
