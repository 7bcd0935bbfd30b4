/** A real Envoy: the binary that WAYBILL_ENVOY names, or `envoy` on the PATH. */
import { execFile as execFileWith, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

import { scratchFile } from './files.ts';

const execFile = promisify(execFileWith);
const ENVOY = process.env['WAYBILL_ENVOY'] ?? 'envoy';

/** Tests skip themselves without it: `before(function () { if (!hasEnvoy) this.skip(); })`. */
export const hasEnvoy = spawnSync(ENVOY, ['--version']).status === 0;

/** For the titles of suites, so that a skipped one says why. */
export const needsEnvoy = hasEnvoy ? '' : ' (skipped: envoy is missing)';

/** @returns what Envoy says against the configuration, warnings too; empty if it accepts it. */
export async function validateConfig(bootstrap: object): Promise<string> {
  const file = scratchFile('envoy.json', JSON.stringify(bootstrap));
  const options = ['--mode', 'validate', '--log-level', 'warning', '-c', file];
  const { stderr } = await execFile(ENVOY, options).catch((error: unknown) => error as { stderr: string });
  return stderr.trim();
}

export interface Envoy {
  /** What it wrote to its log, warnings and errors alone. */
  log(): string;
  /** What it wrote to standard output: lines of access logs, at most 50 ms old. */
  output(): string;
  stop(): Promise<void>;
}

const running = new Set<Envoy>();

/** Call in `after`. */
export async function stopEnvoys(): Promise<void> {
  await Promise.all([...running].map((envoy) => envoy.stop()));
}

/**
 * @param listeners ports of loopback, or paths of sockets, on which it must listen.
 * @returns an Envoy that listens.
 */
export async function startEnvoy(bootstrap: object, listeners: readonly (number | string)[]): Promise<Envoy> {
  const file = scratchFile('envoy.json', JSON.stringify(bootstrap));
  const options = ['--disable-hot-restart', '--concurrency', '1', '--log-level', 'warning'];
  const flushing = ['--file-flush-interval-msec', '50'];
  const child = spawn(ENVOY, [...options, ...flushing, '-c', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const exited = once(child, 'exit').then(() => 'exited' as const);
  const killOnExit = (): void => void child.kill('SIGKILL');
  process.once('exit', killOnExit);
  const envoy: Envoy = {
    log: () => log,
    output: () => output,
    async stop() {
      running.delete(envoy);
      process.off('exit', killOnExit);
      child.kill('SIGKILL'); // it drains for minutes otherwise
      await exited;
    },
  };
  running.add(envoy);
  for (const listener of listeners) {
    const outcome = await Promise.race([exited, listening(listener)]);
    if (outcome === 'listening') continue;
    await envoy.stop();
    throw new Error(`Envoy on ${listener}: ${outcome}\n${log.slice(-4096)}`);
  }
  return envoy;
}

export interface Bootstrap {
  readonly static_resources: { readonly listeners: readonly unknown[] };
}

/** An Envoy beside a service: its first listener is that before the service, a second one that behind it. */
export async function startBeside(
  bootstrap: Bootstrap,
  { inbound, outbound }: { readonly inbound: number; readonly outbound: number },
): Promise<Envoy> {
  return startEnvoy(bootstrap, [inbound, outbound].slice(0, bootstrap.static_resources.listeners.length));
}

async function listening(listener: number | string): Promise<'listening' | 'silent'> {
  for (let attempt = 0; attempt < 600; attempt++) {
    const socket = connect(
      typeof listener === 'number' ? { port: listener, host: '127.0.0.1' } : { path: listener },
    );
    const answered = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (answered) return 'listening';
    await pause(50);
  }
  return 'silent';
}
