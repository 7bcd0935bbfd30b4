/** The built program, and scripts of the repository, each run as a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { basic, send, type Answer } from './http.ts';
import type { LogLine } from './issuer/start.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** The built program. */
export const MAIN = `${ROOT}dist/cli/main.js`;

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** Told of what `serve` writes to standard error, as it comes. */
  readonly heard?: (text: string) => void;
}

function start(args: readonly string[], { cwd, env = {} }: RunOptions): ChildProcess {
  const own = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' };
  return spawn(process.execPath, [MAIN, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...own, ...env },
  });
}

/** Runs a command to its end. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = start(args, options);
  let [stdout, stderr] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (data: string) => (stdout += data));
  child.stderr?.setEncoding('utf8').on('data', (data: string) => (stderr += data));
  child.stdin?.on('error', () => undefined); // it may end before it has read everything
  child.stdin?.end(options.input ?? '');
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout, stderr };
}

/** Runs a command whose output nobody reads: the pipe is closed before it writes. */
export async function runUnread(args: readonly string[]): Promise<Omit<Outcome, 'stdout'>> {
  const child = start(args, {});
  let stderr = '';
  child.stdout?.destroy();
  child.stderr?.setEncoding('utf8').on('data', (data: string) => (stderr += data));
  child.stdin?.end();
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stderr };
}

/** A `waybill serve`, `explore` or `sidecar` that runs until it is stopped. */
export interface Served {
  readonly url: string;
  readonly child: ChildProcess;
  stderr(): string;
  /** Both streams. */
  output(): string;
  logLines(): LogLine[];
  /** Waits for a line of the log with this message, after those that were waited for before. */
  logged(message: string): Promise<LogLine>;
  /** The exit code, once it has ended. */
  readonly ended: Promise<number | null>;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

const running = new Set<Served>();

/** Call in `afterEach` or `after`. */
export async function stopServing(): Promise<void> {
  await Promise.all([...running].map((served) => served.stop('SIGKILL')));
}

/** Starts the issuer and waits until it listens. */
export function serve(args: readonly string[], options: RunOptions = {}): Promise<Served> {
  // An option of the test comes later and wins.
  return serving('serve', ['--shutdown-delay', '0', ...args], options);
}

/** Starts `waybill explore` and waits until it listens. */
export function explore(args: readonly string[], options: RunOptions = {}): Promise<Served> {
  return serving('explore', args, options);
}

/**
 * Starts `waybill sidecar` and waits until its ports are open.
 *
 * @param port the one that is named last, whose URL counts.
 */
export function sidecar(args: readonly string[], port: string, options: RunOptions = {}): Promise<Served> {
  return serving('sidecar', args, options, new RegExp(`^${port} on (https?:\\S+)\n`, 'm'));
}

async function serving(
  command: string,
  args: readonly string[],
  options: RunOptions,
  says = /^listening on (https?:\S+)\n/m,
): Promise<Served> {
  const child = start([command, ...args], options);
  let [stdout, stderr, seen] = ['', '', 0];
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const grown = () => new Promise((resolve) => child.stderr?.once('data', resolve));
  child.stderr?.setEncoding('utf8').on('data', (data: string) => {
    stderr += data;
    options.heard?.(data);
  });
  const logLines = () =>
    stderr
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as LogLine);
  const listening = new Promise<string>((resolve) => {
    child.stdout?.setEncoding('utf8').on('data', (data: string) => {
      stdout += data;
      const found = says.exec(stdout)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  const url = await Promise.race([listening, ended.then(() => undefined)]);
  if (url === undefined) throw new Error(`${command} ended: ${stderr}`);
  const served: Served = {
    url,
    child,
    ended,
    stderr: () => stderr,
    output: () => stdout + stderr,
    logLines,
    async logged(message) {
      for (;;) {
        const index = logLines().findIndex((line, at) => at >= seen && line.msg === message);
        if (index >= 0) {
          seen = index + 1;
          return logLines()[index] as LogLine;
        }
        await grown();
      }
    },
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      running.delete(served);
      return ended;
    },
  };
  running.add(served);
  return served;
}

/** POST /token with client_credentials; as `web`, with Basic and this secret. */
export async function ask({ url }: Served, secret: string, scope?: string): Promise<Answer> {
  const form = { grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) };
  return send(`${url}/token`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: basic('web', secret),
    },
    body: new URLSearchParams(form).toString(),
  });
}

export interface ScriptOutcome {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

/**
 * Runs a script of the repository to its end.
 *
 * @param options those of Node, the script, and its own.
 */
export async function runNode(...options: readonly string[]): Promise<ScriptOutcome> {
  const child = spawn(process.execPath, options, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, errors, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  return { status, output, errors };
}
