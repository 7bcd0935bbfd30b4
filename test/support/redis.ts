/** A real redis-server of a test's own: on a free port of loopback, its data in a temporary folder. */
import { execFile as execFileWith, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

import { freePort } from './http.ts';

const execFile = promisify(execFileWith);

/** Tests skip themselves without it: `before(function () { if (!hasRedisServer) this.skip(); })`. */
export const hasRedisServer = spawnSync('redis-server', ['--version']).status === 0;

/** For the titles of suites, so that a skipped one says why. */
export const needsRedisServer = hasRedisServer ? '' : ' (skipped: redis-server is missing)';

export interface RedisServerOptions {
  /** Asked of every client. Default: none. */
  readonly password?: string;
  /** PEM files; the server then speaks TLS alone, and asks clients for no certificate. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** More of its arguments, which win over those that are always there: `['--appendonly', 'no']`. */
  readonly more?: readonly string[];
}

export interface RedisServer {
  readonly port: number;
  /** With the password, where there is one. Databases 0 to 99 can be added: `${url}/7`. */
  readonly url: string;
  /** Again on the same port, with the data from before. Resolves when it answers. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Ends it at once, without a chance to write anything. */
  kill(): Promise<void>;
  /** Of the running process; undefined where none runs. */
  pid(): number | undefined;
  /** Lets the process stand still: connections stay open and nothing is answered. */
  freeze(): void;
  thaw(): void;
  /** Stops it and removes its data. */
  remove(): Promise<void>;
  /** Sends one command with redis-cli, as an operator would; resolves to what it prints. */
  command(...words: string[]): Promise<string>;
}

/** @returns a server that answers. It writes every change to disk before it does, so a restart loses nothing. */
export async function startRedis({
  password,
  tls,
  more = [],
}: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'redis-'));
  const port = await freePort();
  const options = [
    ...['--bind', '127.0.0.1', '--dir', folder, '--save', '', '--databases', '100'],
    ...['--appendonly', 'yes', '--appendfsync', 'always'],
    ...(tls === undefined
      ? ['--port', String(port)]
      : ['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no']),
    ...(tls === undefined ? [] : ['--tls-cert-file', tls.cert, '--tls-key-file', tls.key]),
    ...(password === undefined ? [] : ['--requirepass', password]),
    ...more,
  ];
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    child = spawn('redis-server', options, { stdio: 'ignore' });
    const exited = once(child, 'exit').then(() => 'exited' as const);
    const outcome = await Promise.race([exited, listening(port)]);
    if (outcome !== 'listening') throw new Error(`redis-server on port ${port}: ${outcome}`);
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const stopping = child;
    child = undefined;
    if (stopping === undefined) return;
    if (stopping.exitCode !== null || stopping.signalCode !== null) return; // Ctrl-C reaches it, too
    const exited = once(stopping, 'exit');
    stopping.kill('SIGCONT');
    stopping.kill(signal);
    await exited;
  }

  const stop = async (): Promise<void> => end('SIGTERM');

  // A test run that breaks off leaves no server behind.
  const killOnExit = (): void => void child?.kill('SIGKILL');
  process.once('exit', killOnExit);

  await start();
  const scheme = tls === undefined ? 'redis' : 'rediss';
  const user = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
  return {
    port,
    url: `${scheme}://${user}127.0.0.1:${port}`,
    start,
    stop,
    kill: async () => end('SIGKILL'),
    pid: () => child?.pid,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    command: async (...words) => {
      const secret = password === undefined ? [] : ['--no-auth-warning', '-a', password];
      const { stdout } = await execFile('redis-cli', ['-p', String(port), ...secret, ...words]);
      return stdout.trim();
    },
    async remove() {
      await stop();
      process.off('exit', killOnExit);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function listening(port: number): Promise<'listening' | 'not listening after 10 seconds'> {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    const accepted = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
      pause(1000, false),
    ]);
    socket.destroy();
    if (accepted) return 'listening';
    await pause(20);
  }
  return 'not listening after 10 seconds';
}
